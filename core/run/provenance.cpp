// Bodies of finding a finished SAE and of what it must agree with.
#include "run/provenance.h"

#include <algorithm>

#include "run/run_folder.h"
#include "run/verb_text.h"
#include "train/foreign_sae.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr size_t kShortestId = 4;

bool there(const fs::path& path) {
  std::error_code unreadable;
  return fs::exists(path, unreadable);
}

// A normaliser with every parameter, those included that an older record does not name.
std::string in_force(const Registry& registry, const Value& normalize, const std::string& where) {
  const NormaliserChoice choice = choose_normaliser(registry, normalize, where);
  return choice.type + " " + emit_json(choice.params.resolved);
}

// An SAE of all layers, and rows of one or some of them.
bool of_its_layers(const SaeRecord& record, const ActivationStream& stream) {
  if (record.layers_as == "points" || stream.shape().points_in != 1) return false;
  const std::vector<std::string>& known = record.hookpoints;
  return std::all_of(stream.points().begin(), stream.points().end(), [&](const auto& one) {
    return std::find(known.begin(), known.end(), one) != known.end();
  });
}

std::vector<fs::path> saes_of_runs(const std::string& id, const fs::path& runs) {
  std::vector<fs::path> found;
  if (id.size() < kShortestId) return found;
  for (const fs::path& run : runs_under(runs))
    if (run.filename().string().starts_with(id) && there(run / "sae" / "cfg.json"))
      found.push_back(run / "sae");
  return found;
}

}  // namespace

fs::path sae_folder_of(const Value& from, const fs::path& runs) {
  const std::string* text = from.as<std::string>();
  if (!text || text->empty())
    throw UserError(at(from) + "sae.from: " + from.describe() +
                    ", should be a folder or the id of a run");
  const fs::path base =
      from.origin.folder.empty() ? fs::current_path() : fs::path(from.origin.folder);
  fs::path named = (base / *text).lexically_normal();
  if (!named.has_filename()) named = named.parent_path();  // "runs/", "."
  for (const fs::path& folder : {named, named / "sae"})
    if (there(folder / "cfg.json") || foreign_format(folder)) return folder;
  const std::vector<fs::path> found = saes_of_runs(*text, runs);
  if (found.size() == 1) return found.front();
  const std::string start = at(from) + "sae.from: \"" + *text + "\": ";
  if (found.size() > 1) {
    std::string all;
    for (const fs::path& sae : found) all += "\n" + sae.parent_path().string();
    throw UserError(start + "more than one run has an id that begins so" + all);
  }
  if (there(named))
    throw UserError(
        start + "no SAE in " + named.string() +
        ": neither it nor its folder sae has a cfg.json, nor what another program writes");
  throw UserError(start + "no such folder (" + named.string() +
                  "), and no run of this id has an SAE in " + runs.string());
}

void check_provenance(const SaeRecord& record, const RowsHandle& on, const Registry& registry,
                      const std::string& where, const std::string& key) {
  std::vector<std::string> problems;
  const auto compare = [&](const std::string& what, const std::string& trained,
                           const std::string& given) {
    if (trained != given)
      problems.push_back(where + ": " + what + ": trained on " +
                         (trained.empty() ? "none" : trained) + ", `" + key + "` has " +
                         (given.empty() ? "none" : given));
  };
  const StreamTarget& target = on.stream->target();
  if (record.program.empty()) {  // else nobody knows
    compare("host", record.host_type, on.host ? on.host->type : "");
    compare("host weights", record.host_weights, on.host ? on.host->weights_hash : "");
    SaeRecord given;  // as far as its target is told
    given.target.hookpoints = target.points;
    given.target.minus_input = target.minus_input;
    if (!of_its_layers(record, *on.stream))
      compare("hookpoints", joined(record.hookpoints), joined(on.stream->points()));
    compare("target", target_text(record), target_text(given));
    compare("rows", record.rows, on.stream->row_policy());
    compare("pool", record.pool, on.stream->params().pool);
  } else if (record.target.hookpoints.empty() != target.points.empty()) {
    compare("target", target_text(record), joined(target.points));
  }
  compare("d_in", std::to_string(record.shape.d_in), std::to_string(on.stream->shape().d_in));
  const auto compare_normalisers = [&](const std::string& what, const std::string& type,
                                       const Value& params, const Value& its) {
    Value normalize = params;
    normalize.set("type", type);
    compare(what, in_force(registry, normalize, where + ": " + what),
            in_force(registry, its, "activations." + what));
  };
  compare_normalisers("normalize", record.normaliser, record.normaliser_params, on.normalize);
  if (!record.target.hookpoints.empty() && !target.points.empty())
    compare_normalisers("normalize_target", record.target.normaliser,
                        record.target.normaliser_params, on.normalize_target);
  if (!problems.empty()) throw UserError(problems);
}

namespace {

// The points of `host` that a record names, as this host calls them; none when it has not all.
std::vector<std::string> points_of(const HostInfo& info, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const std::string ours = facet_hookpoint(name);
    const auto found = std::find_if(
        info.points.begin(), info.points.end(),
        [&](const HookPoint& point) { return point.name == ours || point.alias == ours; });
    if (found == info.points.end()) return {};
    out.push_back(found->name);
  }
  return out;
}

}  // namespace

Place place_of(const SaeRecord& record, const HostHandle& host, const RowsHandle* on,
               const std::string& where) {
  std::vector<std::string> problems;
  const auto compare = [&](const std::string& what, const std::string& trained,
                           const std::string& given) {
    if (trained != given)
      problems.push_back(where + ".host: " + what + ": the SAE was trained on " +
                         (trained.empty() ? "none" : trained) + ", this host has " + given);
  };
  const HostInfo& info = host.host->info();
  if (record.program.empty()) {
    compare("type", record.host_type, host.type);
    compare("weights", record.host_weights, host.weights_hash);
  }
  if (record.pool != "none")
    problems.push_back(where + ".sae: was trained on rows pooled over sequences (" + record.pool +
                       "), should be of tokens");
  if (!problems.empty()) throw UserError(problems);
  Place place;
  place.points = points_of(info, record.hookpoints);
  if (place.points.empty() && on) place.points = on->stream->points();
  place.target = points_of(info, record.target.hookpoints);
  if (place.target.empty() && on && !record.target.hookpoints.empty())
    place.target = on->stream->target().points;
  if (place.points.empty() || place.target.empty() != record.target.hookpoints.empty())
    throw UserError(
        where + ".sae: its hookpoint is " +
        (record.hookpoints.empty() ? "unknown" : joined(record.hookpoints)) +
        ", which this host has not; name it by on = run:activations { hookpoints = ... }");
  place.minus_input = record.target.minus_input;
  place.by_layer = record.layers_as != "points";
  for (const std::string& point : place.points) {
    const HookPoint& there = info.points[hookpoint_index(info, point)];
    if (there.width != record.shape.d_in)
      throw UserError(where + ".sae: codes rows of width " + std::to_string(record.shape.d_in) +
                      ", " + point + " has " + std::to_string(there.width));
  }
  return place;
}

std::vector<std::string> provenance_notices(const SaeRecord& record, const RowsHandle& on,
                                            const std::string& where) {
  if (record.program.empty()) return {};
  const std::string start = where + ": an SAE of " + record.program + ": ";
  std::vector<std::string> out = {
      start + "its host" + (record.host_name.empty() ? "" : " (" + record.host_name + ")") +
      ", the host's weights and the rows that it was trained on cannot be compared"};
  if (record.hookpoints.size() != 1) return out;
  const std::string& named = record.hookpoints.front();
  const std::string given = joined(on.stream->points());
  if (facet_hookpoint(named) != given)
    out.push_back(start + "its hookpoint is " + named + ", `on` has " +
                  (given.empty() ? "none" : given));
  return out;
}

}  // namespace facet
