// Bodies of a stream's target.
#include "activations/stream_target.h"

#include "activations/activation_stream.h"
#include "facet/error.h"
#include "host/hookpoints.h"

namespace facet {
namespace {

constexpr const char* kTarget = "activations.target";

std::string at_place(const Value& value) {
  const std::string place = value.origin.text();
  return (place.empty() ? "" : place + ": ") + kTarget + ": ";
}

bool is_word(const Value& target, const char* word) {
  const auto* text = target.as<std::string>();
  return text && *text == word;
}

bool is_none(const Value& target) { return target.empty() || is_word(target, ""); }

}  // namespace

Value StreamTarget::describe() const {
  if (points.empty()) return {};
  return Value::Table{{"hookpoints", Value::Array(points.begin(), points.end())},
                      {"minus_input", minus_input}};
}

void check_target_fields(const StreamParams& params) {
  if (!is_none(params.target)) return;
  const std::string needs = ": needs activations.target, which is not set";
  std::vector<std::string> problems;
  if (params.target_minus_input) problems.push_back("activations.target_minus_input" + needs);
  if (!is_none(params.normalize_target)) problems.push_back("activations.normalize_target" + needs);
  if (!problems.empty()) throw UserError(problems);
}

StreamTarget target_of(const HostInfo& info, const std::vector<std::string>& points,
                       const StreamParams& params) {
  check_target_fields(params);
  const Value& target = params.target;
  if (is_none(target)) return {};
  StreamTarget out;
  const bool difference = is_word(target, "difference");
  out.minus_input = difference || params.target_minus_input;
  out.points = difference || is_word(target, "next")
                   ? next_hookpoints(info, points, at_place(target))
                   : select_hookpoints(info, target, kTarget);
  if (out.points.size() != points.size())
    throw UserError(at_place(target) + "names " + std::to_string(out.points.size()) +
                    " hookpoints, should name " + std::to_string(points.size()) +
                    ": one for each of activations.hookpoints");
  for (size_t i = 0; i < points.size(); ++i) {
    const int64_t in = info.points[hookpoint_index(info, points[i])].width;
    const int64_t width = info.points[hookpoint_index(info, out.points[i])].width;
    if (in != width)
      throw UserError(at_place(target) + "\"" + out.points[i] + "\" has width " +
                      std::to_string(width) + ", should have that of \"" + points[i] + "\", " +
                      std::to_string(in));
    if (out.minus_input && out.points[i] == points[i])
      throw UserError(at_place(target) + "\"" + points[i] +
                      "\" is the input itself: their difference is 0");
  }
  return out;
}

}  // namespace facet
