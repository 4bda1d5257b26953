// The trainer: SAEs, sources of rows, steps of an optimiser. It knows no architecture by name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "facet/event.h"
#include "facet/sae.h"
#include "facet/safetensors.h"
#include "facet/schema.h"
#include "facet/stream.h"

namespace facet {

/// The fields of [train]. Exactly one of steps, total_rows and epochs says how long.
struct TrainParams {
  std::string compat = "none";  ///< a peer, for what is not set
  int64_t steps = 0;
  int64_t total_rows = 0;
  int64_t epochs = 0;
  int64_t batch = 4096;    ///< rows
  int64_t accumulate = 1;  ///< parts of a batch
  std::string precision = "fp32";
  std::string kernels = "sparse";
  std::string end_to_end = "none";  ///< a loss of the host with the SAE in it
  double end_to_end_coefficient = 1;
  bool end_to_end_error = false;  ///< beside the SAE's own error
  double lr = 3e-4;
  double warmup = 0.05;  ///< share of the steps, w, over which lr rises from lr / w to lr
  std::string warmup_from = "stair";  ///< zero: from 0, so that the first step moves nothing
  double sparsity_warmup = 0;  ///< share of the steps, w: sparsity losses weigh step / w at first
  double decay = 0.2;  ///< share of the steps, w, at the end, over which lr falls from lr to lr / w
  std::string schedule = "linear";
  double lr_end = 0.1;
  int64_t lr_cycles = 1;
  int64_t steps_per_schedule = 1;
  std::string lr_scale = "none";  ///< latents: lr is times sqrt(2^14 / d_sae)
  std::string optimiser = "adam";
  double momentum = 0.95;    ///< of signum and muon
  double vector_warmup = 0;  ///< muon: the warmup, from zero, of what is not a matrix
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip = 1.0;            ///< largest norm of the whole gradient; 0: off
  bool clip_first = false;      ///< before Sae::after_backward(), which may project gradients
  bool keep_gradients = false;  ///< they add up over the steps, as in OpenAI's published loop
  int64_t dead_after_rows = 0;  ///< one of the two is 0; both: a tenth of the run
  int64_t dead_after_steps = 0;
  std::string fired_if = "nonzero";
  double fired_above = 0;
  std::string dead_counted = "before";  ///< after: a step's dead latents know what fires in it
  int64_t revive_every = 0;             ///< steps; 0: never
  double skip_spikes = 0;               ///< times the mean loss; 0: off
  int64_t normalise_rows = 65536;       ///< rows the normaliser looks at
  int64_t log_every = 50;               ///< steps; outside the identity
  int64_t checkpoint_every = 1000;      ///< steps; outside the identity; 0: only at a stop

  int64_t eval_every = 0;    ///< steps; 0: no evaluation
  int64_t eval_batches = 8;  ///< of `batch` held-out rows
  std::string best;          ///< figure of the evaluation, or train.NAME; empty: none
  std::string best_is = "auto";
  int64_t patience = 0;  ///< evaluations; 0: off
  double patience_delta = 0;
  int64_t keep_checkpoints = 0;
  std::vector<int64_t> keep_at;  ///< steps
};
Schema<TrainParams> train_schema();

/// What on_step sees and events record, of one step.
struct StepMetrics {
  int64_t step = 0;  ///< from 1
  int64_t rows = 0;  ///< seen so far
  double loss = 0;   ///< weighted sum
  double l0 = 0;     ///< mean number of latents with a value > 0
  double dead = 0;   ///< share of latents that are dead
  double lr = 0;
  std::vector<std::pair<std::string, double>> losses;
  std::vector<std::pair<std::string, double>> evaluated;  ///< empty: no evaluation after this step
  std::string sae;                                        ///< its name among those trained together
};

/// Everything that decides how training goes on: bit for bit the same from here. There is none
/// before the first step, so a resumed training never calls Sae::start() again.
struct Checkpoint {
  int64_t step = 0;      ///< steps done
  NamedTensors tensors;  ///< "first/W_enc", "second/W_enc" (of Adam), "rows_since_fired",
                         ///< "fired_rows"; params and buffers are the SAE's own
  Value cursor;  ///< source cursor, rows seen, normaliser state, the script's state, last metrics
  int64_t turn = 0;  ///< the most steps that one of those trained together has done
};

/// Where checkpoints go; core/run implements it.
class Checkpoints {
 public:
  virtual ~Checkpoints();
  /// Atomic: a crash leaves the last whole one. The SAE's params and buffers are saved with it.
  virtual void save(const Checkpoint& checkpoint, const Sae& sae) = 0;
  /// The newest whole one, its params and buffers copied into `sae`.
  virtual std::optional<Checkpoint> load(Sae& sae) = 0;
};

/// Where whole SAEs of a training go while it runs; core/run implements it. What is kept again
/// after the same step, by a training that was cut, takes the place of what is there.
class KeptSaes {
 public:
  virtual ~KeptSaes();
  /// The SAE as it is after `step` steps, for good.
  virtual void keep(int64_t step, const Sae& sae) = 0;
  /// The best SAE so far. A training that is cut goes on from a checkpoint: earlier ones stay.
  virtual void keep_best(int64_t step, const Sae& sae) = 0;
  /// There is a checkpoint now for which that of `step` is the best (0: there is none yet): earlier
  /// ones are not needed any more.
  virtual void only_best(int64_t step) = 0;
};

class EndToEnd;

struct TrainHooks {
  std::string name;   ///< of the SAE, for messages; empty: there is one
  uint64_t seed = 0;  ///< of what the trainer draws: rows for latents that begin anew
  const EndToEnd* end_to_end = nullptr;  ///< of train.end_to_end
  int64_t turns = 1;  ///< hookpoints of a token that the source gives side by side, one row each,
                      ///< and that have a step each in turn (layers_as = "turns")
  EventSink* events = nullptr;
  Checkpoints* checkpoints = nullptr;
  /// False ends the training early (as finished). `state` is kept in checkpoints.
  std::function<bool(const StepMetrics&, Value& state)> on_step;
  bool reads_weights = false;  ///< on_step looks at the SAE's weights, of which rows may wait
  /// True: finish the step, checkpoint, throw Stopped.
  std::function<bool()> stop;
  std::string device = "cpu";
  /// Held-out rows from their beginning, for train.eval_every.
  std::function<std::unique_ptr<ActivationSource>()> held_out;
  KeptSaes* kept = nullptr;
};

/// What the evaluations of a training came to.
struct EvaluationOutcome {
  struct Best {
    std::string figure;
    double value = 0;
    int64_t step = 0;
  };
  std::vector<std::pair<std::string, double>> figures;  ///< of the last one; empty: there was none
  std::optional<Best> best;
  std::string ended;          ///< why train.patience ended it; empty: it did not
  std::vector<int64_t> kept;  ///< steps
};

struct TrainOutcome {
  int64_t steps = 0;
  int64_t rows = 0;
  StepMetrics last;
  /// [d_sae] float64: share of the rows that fired each latent, over the last tenth of the steps
  /// (over all rows when on_step ended the training before that).
  Tensor firing_share;
  /// [n, points, d], at most kFingerprintRows: of the last step, as the host gave them.
  Tensor last_rows;
  EvaluationOutcome evaluation;
};

/// Trains from the newest checkpoint, or from the start. Batches never span two epochs: the rows
/// left over at the end of an epoch, fewer than a batch, are dropped. With `epochs` the steps are
/// counted first, without running the host. One step: pass, losses, backward, after_backward(),
/// clipping, the optimiser, after_step(), then evaluation and what is kept, on_step, and a
/// checkpoint; finish() of the optimiser and of the SAE ends the training.
///
/// throws  UserError when a loss or a gradient is not finite, naming the step and the first row
/// (sequence and
///         position) that is not; when an epoch has fewer rows than a batch. Stopped after the
///         checkpoint that hooks.stop asked for.
TrainOutcome fit(Sae& sae, Normaliser& normaliser, ActivationSource& source,
                 const TrainParams& params, const TrainHooks& hooks);

/// One of several SAEs that are trained together.
struct Trainee {
  Sae* sae = nullptr;
  Normaliser* normaliser = nullptr;
  ActivationSource* source = nullptr;
  TrainHooks hooks;  ///< stop and device: the first one's
};

/// Trains all of them, a step of each in turn, and gives each the bits that fit() gives it alone.
/// Those with the same source see the same rows, read once; their normalisers must be of one kind.
/// Checkpoints of all are saved in the same turn. The outcomes are in the order given.
///
/// throws  as fit(), naming the SAE; UserError when sources of different lengths leave one without
///         a batch.
std::vector<TrainOutcome> fit_together(const std::vector<Trainee>& trainees,
                                       const TrainParams& params);

}  // namespace facet
