// Draws tokens to be guessed, or reads which.
#include "masking.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace facet::kl_eval {

namespace {

Tensor listed(const Tensor& content, const Record& record, const std::string& column) {
  const std::string where = "kl_eval.masked_column: record \"" + record.id + "\": ";
  const auto found = record.columns.find(column);
  if (found == record.columns.end()) throw UserError(where + "has no column \"" + column + "\"");
  Tensor out = torch::zeros_like(content);
  std::istringstream words(found->second);
  for (std::string word; words >> word;) {
    const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
    const int64_t at = digits && word.size() < 10 ? std::stoll(word) : -1;
    if (at < 0 || at >= content.size(0) || !content[at].item<bool>())
      throw UserError(where + "\"" + word + "\" is no token of the text, should be from 0 to " +
                      std::to_string(content.size(0) - 1) + " without specials");
    out.index_fill_(0, torch::tensor({at}, torch::kInt64), true);
  }
  return out;
}

}  // namespace

Tensor chosen_to_guess(const Tokens& tokens, const Record& record, const Params& params, Rng& rng) {
  const Tensor content = tokens.flag.bitwise_and(kSpecial | kPad).eq(0);  // [t]
  if (!params.masked_column.empty()) return listed(content, record, params.masked_column);
  const Tensor places = content.nonzero().flatten();
  Tensor out = torch::zeros_like(content);
  if (params.masked == 0 || places.size(0) == 0) return out;
  const std::vector<int64_t> order = rng.permutation(places.size(0));
  const auto count =
      std::max<int64_t>(1, std::llround(params.masked * static_cast<double>(places.size(0))));
  const Tensor first = torch::tensor(order, torch::kInt64).slice(0, 0, count);
  return out.index_fill_(0, places.index_select(0, first), true);
}

}  // namespace facet::kl_eval
