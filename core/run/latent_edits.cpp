// Reads edits, and works out what they change.
#include "run/latent_edits.h"

#include "facet/torch.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "facet/schema.h"

namespace facet {
namespace {

struct WrittenEdit {
  int64_t latent = 0;
  std::optional<double> set, add, subtract, multiply, divide, add_direction;
  bool ablate = false;

  // What is set, in the order of LatentEditKind.
  std::array<std::optional<double>, 7> amounts() const {
    return {set,          add,    subtract,
            multiply,     divide, ablate ? std::optional<double>(0) : std::nullopt,
            add_direction};
  }
  int64_t count() const {
    const auto all = amounts();
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.has_value(); });
  }
};

Schema<WrittenEdit> written_edit_schema() {
  using E = WrittenEdit;
  return Schema<E>()
      .field("latent", &E::latent, "Which latent, from 0.", required, at_least(0))
      .field("set", &E::set, "Its value in every row.")
      .field("add", &E::add, "Added to its value.")
      .field("subtract", &E::subtract, "Taken from its value.")
      .field("multiply", &E::multiply, "What its value is multiplied by.")
      .field("divide", &E::divide, "What its value is divided by.")
      .field("ablate", &E::ablate, "Its value is 0.")
      .field("add_direction", &E::add_direction,
             "So many times its row of W_dec is added to the host's rows, which are not coded.")
      .check([](const E& e) { return e.count() == 1; },
             "exactly one of set, add, subtract, multiply, divide, ablate, add_direction must be "
             "set")
      .check([](const E& e) { return !e.divide || *e.divide != 0; }, "divide: must not be 0");
}

LatentEdit edit_of(const WrittenEdit& written) {
  const auto amounts = written.amounts();
  const auto which =
      std::find_if(amounts.begin(), amounts.end(), [](const auto& one) { return one.has_value(); });
  return {written.latent, static_cast<LatentEditKind>(which - amounts.begin() + 1), **which};
}

Tensor value_under(const LatentEdit& edit, const Tensor& value) {
  switch (edit.kind) {
    case LatentEditKind::add:
      return value + edit.amount;
    case LatentEditKind::subtract:
      return value - edit.amount;
    case LatentEditKind::multiply:
      return value * edit.amount;
    case LatentEditKind::divide:
      return value / edit.amount;
    default:
      return torch::full_like(value, edit.amount);  // set; ablate, whose amount is 0
  }
}

}  // namespace

void check_latent(int64_t latent, int64_t d_sae, const std::string& where) {
  if (latent < 0 || latent >= d_sae)
    throw UserError(where + ": latent: is " + std::to_string(latent) + ", should be 0 .. " +
                    std::to_string(d_sae - 1) + " (d_sae is " + std::to_string(d_sae) + ")");
}

std::vector<LatentEdit> latent_edits(const Value& list, int64_t d_sae, const std::string& where) {
  const auto* items = list.as<Value::Array>();
  const bool none = list.empty() || (list.is<Value::Table>() && list.as<Value::Table>()->empty());
  if (!items && !none)
    throw UserError(where + ": is " + list.describe() +
                    ", should be a list: { { latent = 12, set = 4.0 } }");
  std::vector<std::string> problems;
  std::vector<LatentEdit> out;
  for (size_t i = 0; items && i < items->size(); ++i) {
    const std::string here = where + "[" + std::to_string(i + 1) + "]";
    const size_t before = problems.size();
    Value one = (*items)[i];
    const WrittenEdit written =
        written_edit_schema().parse_into(here, one, Demand::whole, problems);
    if (problems.size() > before) continue;
    check_latent(written.latent, d_sae, here);
    if (std::any_of(out.begin(), out.end(),
                    [&](const LatentEdit& other) { return other.latent == written.latent; }))
      problems.push_back(here + ": latent " + std::to_string(written.latent) +
                         " is edited already, should be once");
    out.push_back(edit_of(written));
  }
  if (!problems.empty()) throw UserError(problems);
  std::sort(out.begin(), out.end(),
            [](const LatentEdit& a, const LatentEdit& b) { return a.latent < b.latent; });
  return out;
}

Codes change_of(const Codes& codes, const std::vector<LatentEdit>& edits) {
  const int64_t n = codes.rows();
  const auto count = static_cast<int64_t>(edits.size());
  const Tensor row = codes.row().to(codes.value.device());
  std::vector<Tensor> changes;  // [n] each
  std::vector<int64_t> latents;
  for (const LatentEdit& edit : edits) {
    const Tensor entry = codes.latent.eq(edit.latent).nonzero().flatten();
    Tensor value = torch::zeros({n}, codes.value.options());
    value.index_copy_(0, row.index_select(0, entry), codes.value.index_select(0, entry));
    changes.push_back(value_under(edit, value) - value);
    latents.push_back(edit.latent);
  }
  Codes out;
  out.d_sae = codes.d_sae;
  out.start = torch::arange(n + 1, codes.start.options()) * count;
  out.latent = torch::tensor(latents, torch::kInt64).to(codes.latent.options()).repeat({n});
  out.value =
      count == 0 ? torch::zeros({0}, codes.value.options()) : torch::stack(changes, 1).flatten();
  return out;
}

}  // namespace facet
