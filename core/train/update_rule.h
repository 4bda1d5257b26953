// UpdateRule: how one parameter moves along its gradient, and what it remembers for that.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/sae.h"
#include "facet/safetensors.h"

namespace facet {

class GradientRows;
class WaitingRows;
struct TrainParams;

/// Where a training is when a parameter moves.
struct Moment {
  int64_t step = 1;      ///< from 1
  double lr = 0;         ///< of this step
  double vector_lr = 0;  ///< the same for what is not a matrix, of rules that tell them apart
};

/// One rule for each parameter. Elementwise, so that a step has the same bits at any thread count;
/// the products of muon are LibTorch's.
class UpdateRule {
 public:
  virtual ~UpdateRule();
  /// Called without gradients; `gradient` has the sizes and strides of `value`.
  virtual void step(Tensor& value, const Tensor& gradient, const Moment& now) = 0;
  /// Whether it takes gradients row by row.
  virtual bool takes_rows() const { return false; }
  /// The same step of a gradient whose rows, those of the latents on `axis`, are 0 but for some.
  virtual void step_rows(Tensor& value, int64_t axis, const GradientRows& gradient,
                         const Moment& now);
  /// Rows that step_rows() may leave behind; null when it cannot.
  virtual std::unique_ptr<WaitingRows> waiting_rows(const Tensor& value, int64_t axis) const;
  /// After the last step: `value` becomes what is kept of the training.
  virtual void finish(Tensor& value) const;
  /// Whether finish() does anything.
  virtual bool changes_at_the_end() const { return false; }
  /// The entries of `value` at these places of an axis were set anew: what is remembered of them is
  /// 0, unless the rule says otherwise.
  virtual void forget(const Tensor& value, int64_t axis, const Tensor& places);
  /// What is remembered, by the names of checkpoints ("first", "base"); a step writes into them.
  virtual NamedTensors state() const = 0;
};

/// adam, signum, muon
std::vector<std::string> optimiser_words();
/// The rule of [train] optimiser for a parameter.
std::unique_ptr<UpdateRule> make_rule(const TrainParams& params, const Tensor& value);

/// Kingma and Ba 2015, arXiv:1412.6980; with weight_decay Loshchilov and Hutter 2019,
/// arXiv:1711.05101. `vectors` takes Moment::vector_lr.
enum class AdamRate { all = 1, vectors };
std::unique_ptr<UpdateRule> adam_rule(const TrainParams& params, const Tensor& value,
                                      AdamRate rate);

/// The sign of the gradient as a step, in the schedule-free wrapper: gradients are taken at y, the
/// base z moves by -lr sign(gradient), and x is the mean of the bases, weighted by the square of
/// the largest lr so far; y = x + (1 - momentum) (z - x). The parameter is y while the training
/// lasts and x after it. Remembered is z: x follows from y and z, so that a checkpoint rounds
/// nothing, and an SAE that sets norms in its pass moves x as well.
/// source: Defazio et al. 2024, arXiv:2405.15682; schedulefree 1.4.1, wrap_schedulefree.py, around
/// eai-sparsify 1.3.3, sign_sgd.py
std::unique_ptr<UpdateRule> signum_rule(const TrainParams& params, const Tensor& value);

/// Matrices take the orthogonal part of their Nesterov momentum, by five steps of Newton and
/// Schulz in bfloat16, times lr 0.2 sqrt(max(rows, columns)); weight_decay as in AdamW.
/// source: Jordan et al. 2024, kellerjordan.github.io/posts/muon; scale: arXiv:2502.16982;
/// eai-sparsify 1.3.3, muon.py
std::unique_ptr<UpdateRule> muon_rule(const TrainParams& params, const Tensor& value);

}  // namespace facet
