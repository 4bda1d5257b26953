// Bodies of the start.
#include "start.h"

#include <facet/torch.h>

#include "geometric_median.h"

namespace facet {

std::vector<std::string> b_dec_words() { return {"zero", "mean", "geometric_median"}; }

void start_b_dec(const std::string& word, const Tensor& rows, Tensor& b_dec) {
  const at::NoGradGuard no_grad;
  if (word == "mean") b_dec.copy_(rows.mean(0));
  if (word == "geometric_median") b_dec.copy_(geometric_median(rows));
}

}  // namespace facet
