// The terms of a loss that several architectures have: how far the reconstruction is, and how much
// is said for it. Each has one definition and the name of its figure in the analysis `metrics`.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"
#include "facet/schema.h"

namespace facet {

/// mse             mean over rows of |x - x^|^2, summed over the width
///                 (SAELens 6.54, dictionary_learning 0.1.0)
/// mse_by_element  the same divided by the width (BatchTopK originals)
/// nmse            mean over rows of |x - x^|^2 / |x|^2 (RouteSAE)
/// l2_loss         mean over rows of |x - x^| (InterPLM)
/// fvu             sum over rows of |x - x^|^2 over that of |x - mean x|^2 (eai-sparsify 1.3.3,
///                 sparse_coder.py)
/// fvu_by_column   mean over the width of such shares of one column, whose variance, summed over
///                 rows, counts as 1 at least (OpenSAE 978f094, modeling_open_sae.py)
std::vector<std::string> error_words();
/// output and target of the pass: [n, points, d].
Loss error_term(const std::string& word, const Pass& pass, const Step& step);

/// [d]: the squared distances of rows [n, d] from the mean row of all ranks, summed over rows.
Tensor column_variance(const Tensor& rows, const Step& step);

/// l1             mean over rows of the sum of z (dictionary_learning)
/// l1_weighted    the same, each latent times the norm of its row of W_dec, which learns from it
///                (SAELens; "April update" of dictionary_learning); over several hookpoints by
///                the sum of these norms (Lindsey et al. 2024, crosscoders)
/// l1_by_element  mean over rows and latents (RouteSAE)
std::vector<std::string> l1_words();
struct L1Form {
  double l1_coefficient = 1e-3;
  std::string l1 = "l1";
};
/// Adds the fields of L1Form to the schema of P, which is derived from it.
template <class P>
void add_l1_fields(Schema<P>& schema) {
  schema
      .field("l1_coefficient", static_cast<double P::*>(&L1Form::l1_coefficient),
             "Weight of the L1 term, already inside the loss that is reported.", at_least(0))
      .field("l1", static_cast<std::string P::*>(&L1Form::l1),
             "The L1 term: l1 sums over latents, l1_weighted weighs each by the norm of its row of "
             "W_dec, l1_by_element is the mean over latents.",
             one_of(l1_words()));
}
/// coefficient times the term; z [n, d_sae] dense and not below 0, W_dec [d_sae, d] or
/// [d_sae, points, d]; sums [n]: those of z's rows, where they are known.
Loss l1_term(const std::string& word, double coefficient, const Tensor& z, const Tensor& w_dec,
             const Step& step, const Tensor& sums = {});

}  // namespace facet
