// What a manifest needs of a machine (memory, disk, time), and whether that fits. Everything here
// is an estimate and is called one.
#pragma once

#include <string>
#include <vector>

#include "facet/host.h"
#include "facet/plugin.h"
#include "run/machine.h"

namespace facet {

/// What decides the needs of a run, as far as its manifest says it. 0 or empty: unknown before the
/// run.
struct Plan {
  std::string host;              ///< its type; empty: none
  double parameters = 0;         ///< of the host
  double host_number_bytes = 4;  ///< of one of its weights and of a row's numbers
  double depth = 1;              ///< share of the host that runs up to the last hookpoint
  double host_width = 0;         ///< of its residual stream
  double batch_tokens = 0;
  double points = 1;      ///< hookpoints, those of a target included
  double row_points = 1;  ///< that one row has
  double d_in = 0;
  double buffer_rows = 0;
  bool prefetch = false;  ///< as many rows wait beside the buffer
  double d_sae = 0;
  double active = 0;      ///< latents a row
  double batch = 0;       ///< rows of one training step
  double train_rows = 0;  ///< of all steps; 0: nothing is trained, or the script says how long
  double data_rows = 0;   ///< of one pass over the data
  double encoded = 0;     ///< share of the data that is encoded; 0: nothing is
  bool store_on_disk = false;
};
/// Reads the sections, and the host's configuration but not its weights. Rows of one pass are told
/// from the size of the data's file. UserError when the host's configuration is wrong.
Plan plan_of(const Value& manifest, const Registry& registry);

/// When something is needed.
enum class Phase { always = 1, training, encoding };

struct Need {
  std::string what;   ///< "shuffle buffer"
  double amount = 0;  ///< bytes or seconds; 0: unknown
  std::string how;    ///< what it was made of: "65536 rows of width 128, three copies"
  std::string key;    ///< of the manifest; lowers it
  Phase phase = Phase::always;
};

struct Estimate {
  std::vector<Need> memory, device, disk, time;
  std::vector<std::string> problems;  ///< what cannot fit, with the keys that would help
};
/// A function of its arguments alone. `where` stands in front of each problem.
Estimate estimate(const Plan& plan, const Machine& machine, const std::string& where);

/// The needs as a table for eyes.
std::string describe(const Estimate& estimate, const Machine& machine);

}  // namespace facet
