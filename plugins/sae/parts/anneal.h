// PAnneal: an L_p penalty whose p falls while its coefficient keeps the penalty as large as it was.
#pragma once

#include <string>
#include <vector>

#include "facet/schema.h"
#include "terms.h"

namespace facet {

/// lp_p  mean over rows of the sum of z^p
/// lp    mean over rows of (the sum of z^p)^(1/p)
std::vector<std::string> lp_words();

struct AnnealForm {
  std::string sparsity_function = "lp_p";
  double sparsity_coefficient = 0.1;
  double p_start = 1;
  double p_end = 0.2;
  int64_t anneal_start = 1000;
  int64_t anneal_end = 10000;
  int64_t n_sparsity_updates = 10;
  int64_t sparsity_queue_length = 10;
};

/// "" or what is wrong with the steps of the updates.
std::string problem_of_anneal(const AnnealForm& form);

/// Adds the fields of AnnealForm to the schema of P, which is derived from it.
template <class P>
Schema<P>& add_anneal_fields(Schema<P>& schema) {
  const auto of = []<class T>(T AnnealForm::*member) { return static_cast<T P::*>(member); };
  return schema
      .field("sparsity_function", of(&AnnealForm::sparsity_function),
             "The penalty: the sum of z^p, or its p-th root.", one_of(lp_words()))
      .field("sparsity_coefficient", of(&AnnealForm::sparsity_coefficient),
             "Weight of the penalty at the start, already inside the loss that is reported.",
             at_least(0))
      .field("p_start", of(&AnnealForm::p_start), "p until it begins to fall.", above(0))
      .field("p_end", of(&AnnealForm::p_end),
             "p at the end; at 0 the penalty counts latents and teaches nothing.", at_least(0))
      .field("anneal_start", of(&AnnealForm::anneal_start), "Steps before p begins to fall.",
             at_least(0), unit("steps"))
      .field("anneal_end", of(&AnnealForm::anneal_end), "The step after which p is p_end.",
             at_least(1), unit("steps"))
      .field("n_sparsity_updates", of(&AnnealForm::n_sparsity_updates),
             "In how many updates p falls, evenly; the first leaves it at p_start. 0: one each "
             "step.",
             at_least(0))
      .field("sparsity_queue_length", of(&AnnealForm::sparsity_queue_length),
             "Recent batches from which the coefficient of the next p is worked out.", at_least(1),
             unit("batches"))
      .check([](const P& p) { return problem_of_anneal(p); });
}

/// The penalty and what of it changes, in two buffers of the SAE: "sparsity_coefficient" [] float64
/// and "sparsity_queue" [length, 2], the newest last: penalties of recent batches with p and with
/// the next p, which begin with the first update.
///
/// At each update after the first the coefficient is multiplied by the ratio of both means, so that
/// the penalty is as large with the new p as it was. The loss of a step has the p and the
/// coefficient from before the step's update.
///
/// source  Karvonen et al. 2024, "Measuring Progress in Dictionary Learning for Language Model
///         Interpretability with Board Game Models", arXiv:2408.00113, section on p-annealing;
///         dictionary_learning 0.1.0 (trainers/p_anneal.py). Differs: a latent at 0 counts 0 at
///         p = 0 too, and where nothing fires the coefficient stays.
class PAnneal {
 public:
  explicit PAnneal(const AnnealForm& form);
  /// The first values of both buffers, in this order.
  std::vector<std::pair<std::string, Tensor>> start(const at::TensorOptions& options) const;
  /// The tensors that the SAE registered.
  void keep(const Tensor& coefficient, const Tensor& queue);

  /// The loss "lp" of z [n, m], not below 0, with its coefficient.
  Loss term(const Tensor& z, const Step& step);
  /// To be called after the step whose term was asked for last.
  void after_step();
  /// "p" and "sparsity_coefficient" of the last term.
  Figures figures() const;

 private:
  struct Now {
    double p = 1, next = 1;
    bool queues = false;   // a next p is known
    bool updates = false;  // the coefficient changes after the step
  };
  Now at_step(int64_t step) const;
  Tensor penalty(const Tensor& z, double p, const Step& step) const;

  AnnealForm form_;
  std::vector<int64_t> steps_;  // of the updates, rising
  std::vector<double> p_;       // after each of them
  Tensor coefficient_, queue_;  // [] float64, [length, 2] float32
  Tensor sums_;                 // [2], of the parts of the batch so far
  int64_t parts_ = 0, step_ = -1;
  Now now_;
};

}  // namespace facet
