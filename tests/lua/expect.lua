-- What the scripts of this folder assert with; a failure ends the run with the caller's line.
local expect = {}

local function text_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for _, item in ipairs(value) do parts[#parts + 1] = text_of(item) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

function expect.equal(is, should)
  if text_of(is) ~= text_of(should) then error(("is %s, should be %s"):format(text_of(is), text_of(should)), 2) end
end

-- The call is refused with this text at its own line, which is the line that calls expect.refusal.
function expect.refusal(call, text)
  local caller = debug.getinfo(2, "Sl")
  local place = ("%s:%d: "):format(caller.short_src, caller.currentline)
  local fine, is = pcall(call)
  if fine then error("was not refused, should be: " .. text, 2) end
  local should = place .. text:gsub("\n", "\n" .. place)
  if is ~= should then error(("is refused with\n%s\nshould be\n%s"):format(is, should), 2) end
end

return expect
