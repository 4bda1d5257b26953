// Bodies of the host's units.
#include "host_units.h"

#include <facet/torch.h>

namespace facet {

std::vector<std::string> error_in_words() { return {"normalised", "host"}; }

void note_host_units(const Batch& batch, Notes& notes) {
  const auto scale = batch.stats.find("scale"), mean = batch.stats.find("mean");
  if (scale == batch.stats.end() || mean == batch.stats.end() || !batch.target.defined()) return;
  notes["host_scale"] = scale->second;
  notes["host_mean"] = mean->second;
  notes["host_rows"] = batch.target.is_same(batch.input)
                           ? batch.ids.x.to(at::kFloat)
                           : batch.target * scale->second + mean->second;
}

HostUnits units_of(const Notes& notes) {
  if (!notes.contains("host_scale")) return {};
  return {notes.at("host_scale"), notes.at("host_mean")};
}

Pass in_host_units(const Pass& pass) {
  const HostUnits units = units_of(pass.notes);
  if (!units.differ()) return pass;
  return {pass.codes, units.of(pass.output), pass.notes.at("host_rows"), pass.notes};
}

}  // namespace facet
