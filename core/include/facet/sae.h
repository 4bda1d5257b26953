// Sae: what every architecture implements, and PlainSae, the short way for one hookpoint in, one
// out.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "facet/codes.h"
#include "facet/rng.h"
#include "facet/rows.h"
#include "facet/value.h"

namespace facet {

/// The ranks that train one SAE together; by default one process, where every sum is the identity.
/// Every mean, variance, dead count and k * N of an SAE goes through `sum`.
class Group {
 public:
  virtual ~Group();
  virtual int64_t rank() const;
  virtual int64_t size() const;
  /// The sum of x over all ranks; the gradient passes through.
  virtual Tensor sum(const Tensor& x) const;
};

/// Draws initial weights from the SAE's own seed ("sae/init"), never from LibTorch's generator.
class Init {
 public:
  explicit Init(uint64_t seed, std::string device = "cpu");
  /// `sizes` float32, uniform; each row (last axis) scaled to L2 norm `row_norm`.
  Tensor uniform(std::vector<int64_t> sizes, double row_norm);
  /// `sizes` float32, uniform between -bound and bound.
  Tensor uniform_within(std::vector<int64_t> sizes, double bound);
  const std::string& device() const { return device_; }

 private:
  Rng rng_;
  std::string device_;
};

/// train may use the whole batch (BatchTopK); infer codes each row alone.
enum class Mode { train = 1, infer };

/// Named tensors that a pass leaves for its losses and for analyses: "input" [n, d_in], the row
/// that was coded; "layer" [n] int64, the hookpoint it came from; "layer_weights" [n, points_in].
using Notes = std::map<std::string, Tensor>;

struct Pass {
  Codes codes;
  Tensor output;  ///< [n, points_out, d_out]
  Tensor target;  ///< what `output` should have been; usually the batch's target
  Notes notes;
};

/// The weights of named losses at a step, warm-up included.
class Coefficients {
 public:
  void set(const std::string& loss, double weight) { weights_[loss] = weight; }
  /// 1 when nothing was said of the loss.
  double of(const std::string& loss) const;

 private:
  std::map<std::string, double> weights_;
};

struct Step {
  int64_t index = 0;      ///< from 0
  int64_t rows_seen = 0;  ///< before this step
  Coefficients coefficients;
  Tensor dead;  ///< [d_sae] bool: has not fired for train.dead_after_rows rows
  const Group* group = nullptr;
};

/// One named, unweighted scalar (float32, in the autograd graph). The trainer minimises the sum of
/// coefficient * value.
struct Loss {
  std::string name;
  Tensor value;
  bool sparsity = false;  ///< train.sparsity_warmup raises its weight from 0
};
using Losses = std::vector<Loss>;

/// Named scalars beside the losses, for people to watch.
using Figures = std::vector<std::pair<std::string, Tensor>>;

/// How the ranks of a run merge a buffer.
enum class Merge { same = 1, mean, sum };

struct Buffer {
  std::string name;
  Tensor value;
  Merge merge = Merge::same;
};
using Params = std::vector<std::pair<std::string, Tensor>>;
using Buffers = std::vector<Buffer>;

struct Spliced {
  Tensor rows;      ///< [n, d]
  Tensor replaced;  ///< [n] bool; rows not replaced keep the host's bits
  Codes codes;      ///< of all n rows, as they were decoded; none of a row that is not replaced
};

/// An SAE of another architecture that codes and reconstructs alike once training is over.
struct InferenceForm {
  std::string type;  ///< as registered
  Value params;      ///< of [sae], without the type
  Params tensors;    ///< all of its parameters
};

/// An SAE architecture. Constructed with (const P& params, const Shape&, Init&); P is its plain
/// parameter struct. All calls come from one thread; the caller decides whether gradients are on.
class Sae {
 public:
  virtual ~Sae();

  /// Start from the first batch (geometric median, mean). Called once, before the first step.
  virtual void start(const Batch& first);
  /// Codes, reconstruction, and what it should have been.
  virtual Pass pass(const Batch& batch, Mode mode) = 0;
  virtual Losses losses(const Pass& pass, const Step& step) = 0;
  /// Replaces live rows [n, d_in] of hookpoint number `point`; `seen` is the clean pass of the same
  /// rows. Default: decode(encode(live)) for every row.
  virtual Spliced splice(int64_t point, const Tensor& live, const Pass& seen);
  /// What its latents see of normalised rows x [n, points_in, d_in] before any of them is chosen:
  /// [n, d_sae] float32. Default: UserError, the architecture has no such thing.
  virtual Tensor pre_activations(const Tensor& x);
  /// What it reconstructs from codes alone, [n, points_out, d_out]: pass().output, but for what an
  /// architecture adds of the input itself (the skip of a transcoder). Default: UserError, the
  /// architecture cannot.
  virtual Tensor reconstruction(const Codes& codes);
  /// [d_sae, d_out]: the direction each latent writes at output point `point`.
  virtual Tensor decoder(int64_t point) const = 0;
  /// Starts the given latents [m] int64 anew, latent i from row i of the batch (m rows); the
  /// trainer clears the optimiser's moments of these latents. Default: UserError, the architecture
  /// cannot.
  virtual void revive(const Tensor& latents, const Batch& batch);
  /// What to record of a step beside its losses, asked for when the gradients are there and nothing
  /// has touched them yet. Default: nothing.
  virtual Figures figures(const Pass& pass) const;
  /// Whether figures() and after_backward() leave Tensor::grad() of its weights [d, d_sae] and
  /// [d_sae, d] alone, but for ops::project_gradient(). Then operations may keep gradients of the
  /// rows that fired only, outside of Tensor::grad(). Default: false.
  virtual bool row_gradients() const;
  /// Whether, besides, a step of training reads and changes its weights [d, d_sae] and [d_sae, d]
  /// by ops::encode_topk(), encode_batch_topk(), decode(), part_of(), normalise_rows() and
  /// project_gradient() alone, each given the whole parameter. Then rows that nothing reads may be
  /// worked out later, with the same bits. Default: false.
  virtual bool rows_may_wait() const;
  virtual void after_backward();  ///< gradients are there, the optimiser has not stepped
  virtual void after_step();      ///< the optimiser has stepped
  /// Called once, after the last step: for what is worked out from gathered statistics (pca).
  virtual void finish();

  /// Names of losses and of parameters whose gradient is on purpose not the slope of the loss:
  /// straight-through estimates, losses with a part that is held fixed. The conformance suite does
  /// not compare these with finite differences. Default: none.
  virtual std::vector<std::string> estimated() const;

  /// What SAELens' cfg.json needs beside d_in and d_sae: a table with `architecture` and its own
  /// keys. The default is an empty value: SAELens has no such architecture, and readers of the
  /// folder are told so.
  virtual Value saelens() const;
  /// The simpler architecture that stands in for it once it is trained (a batch_topk is then a
  /// jumprelu), which `facet sae export` writes. Default: none.
  virtual std::optional<InferenceForm> inference_form() const;
  /// Takes a map of rows into its weights, so that raw rows are coded and reconstructed as mapped
  /// ones were, the same latents active. Codes keep their values, but for architectures whose codes
  /// are in the rows' units (select_by_norm): there they, and thresholds on them, are divided by
  /// the map's scale. It is used for inference from then on, not trained. Default: false, nothing
  /// changed. See ops::fold_rows().
  virtual bool fold(const RowMap& map);

  /// What a pass returns of rows of `stream`: its own shape, unless the architecture brings several
  /// hookpoints together (route: points_out = 1).
  virtual Shape shape(const Shape& stream) const;
  int64_t d_sae() const;
  /// Where its parameters and buffers are; the CPU when it has none.
  at::Device device() const;
  const Params& params() const { return params_; }
  const Buffers& buffers() const { return buffers_; }

 protected:
  /// Registers a trained tensor (float32; requires_grad is set) and returns it. The name is the one
  /// in files: W_enc [d_in, d_sae], b_enc [d_sae], W_dec [d_sae, d_out], b_dec [d_out].
  Tensor param(const std::string& name, const Tensor& value);
  /// Registers a tensor that is saved and never optimised.
  Tensor buffer(const std::string& name, const Tensor& value, Merge merge = Merge::same);

 private:
  Params params_;
  Buffers buffers_;
};

/// One hookpoint in, one out: implement encode and decode. pass() adds and drops the points axis
/// and leaves notes["input"] [n, d_in]; decoder() is the parameter W_dec unless overridden.
class PlainSae : public Sae {
 public:
  ~PlainSae() override;
  virtual Codes encode(const Tensor& x, Mode mode) = 0;  ///< x [n, d_in]
  virtual Tensor decode(const Codes& codes) = 0;         ///< [n, d_out]

  Pass pass(const Batch& batch, Mode mode) override;
  Tensor reconstruction(const Codes& codes) override;
  Tensor decoder(int64_t point) const override;
};

/// The figures by which a normaliser takes pass.output and pass.target back to the host's units:
/// those of the input; where the pass brought its hookpoints together by notes["layer_weights"]
/// [n, points_in], their mean under these weights. UserError when the normaliser's figures are not
/// one for each hookpoint.
Stats output_stats(const Pass& pass, const Stats& input);

/// For SAEs of one hookpoint that reconstruct their input: UserError "sae: TYPE: reconstructs the
/// rows of one hookpoint: is given ..." when the shape is another, or transcodes.
void check_one_hookpoint(const std::string& type, const Shape& shape);

/// Mean over the rows of all ranks of the squared L2 norm of output - target, summed over points.
Tensor mean_squared_error(const Pass& pass, const Step& step);

}  // namespace facet
