// Writes a fingerprint and compares with it.
#include "train/fingerprint.h"

#include <facet/torch.h>

#include <cmath>

#include "base/hash.h"
#include "facet/safetensors.h"
#include "facet/stream.h"
#include "facet/table.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr char kFingerprintFile[] = "fingerprint.safetensors";
constexpr double kFigureOff = 1e-3;    // share of a figure, and of the largest code
constexpr double kLeastFigure = 1e-6;  // what is nearer than this is equal
constexpr double kCodesAgree = 0.99;   // share of the active ones

std::string hash_of(const Codes& codes) {
  Sha256 hash;
  for (const Tensor& part : {codes.start, codes.latent, codes.value}) {
    const Tensor whole = part.contiguous();
    hash.add(whole.const_data_ptr(), whole.nbytes());
  }
  return hash.hex();
}

Codes kept_codes(const fs::path& folder, int64_t d_sae) {
  const Safetensors file(folder / kFingerprintFile);
  return {file.tensor("start"), file.tensor("latent"), file.tensor("value"), d_sae};
}

bool near(double is, double should) {
  return std::abs(is - should) <=
         kFigureOff * std::max(std::abs(is), std::abs(should)) + kLeastFigure;
}

// Of the latents that are active in either, the share that both have with the same value.
double agreement(const Codes& now, const Codes& then) {
  if (now.rows() != then.rows()) return 0;
  const Tensor a = now.dense(), b = then.dense();
  const Tensor active = a.ne(0).logical_or(b.ne(0));
  const int64_t all = active.sum().item<int64_t>();
  if (all == 0) return 1;
  const double off = kFigureOff * b.abs().max().item<double>() + kLeastFigure;
  const Tensor same = a.ne(0).eq(b.ne(0)).logical_and((a - b).abs().le(off));
  return static_cast<double>(same.logical_and(active).sum().item<int64_t>()) /
         static_cast<double>(all);
}

}  // namespace

std::optional<Fingerprint> fingerprint_of(Sae& sae, const Normaliser& normaliser,
                                          const Tensor& rows) {
  const torch::NoGradGuard no_grad;
  Rows given;
  given.x = rows.to(sae.device());
  const Pass pass = sae.pass(make_batch(normaliser, std::move(given)), Mode::infer);
  Fingerprint out;
  out.rows = rows.to(torch::kCPU);
  out.codes = pass.codes.cpu();
  out.l0 = static_cast<double>(out.codes.value.ne(0).sum().item<int64_t>()) /
           static_cast<double>(rows.size(0));
  const auto energy = [](const Tensor& t) {
    return t.to(torch::kCPU, torch::kFloat64).square().sum().item<double>();
  };
  const double whole = pass.target.defined() ? energy(pass.target) : 0.0;
  out.nmse = whole > 0 ? energy(pass.output - pass.target) / whole : 0.0;
  if (!std::isfinite(out.nmse) || !out.codes.value.isfinite().all().item<bool>())
    return std::nullopt;
  return out;
}

Value save_fingerprint(const fs::path& folder, const Fingerprint& fingerprint) {
  save_safetensors(folder / kFingerprintFile, {{"rows", fingerprint.rows},
                                               {"start", fingerprint.codes.start},
                                               {"latent", fingerprint.codes.latent},
                                               {"value", fingerprint.codes.value}});
  return Value::Table{{"rows", fingerprint.rows.size(0)},
                      {"l0", fingerprint.l0},
                      {"nmse", fingerprint.nmse},
                      {"codes", hash_of(fingerprint.codes)}};
}

Tensor fingerprint_rows(const fs::path& folder) {
  return Safetensors(folder / kFingerprintFile).tensor("rows").clone();
}

void check_fingerprint(const fs::path& folder, const Value& said,
                       const std::optional<Fingerprint>& now) {
  const auto refuse = [&](const std::string& what) {
    throw UserError(folder.string() + ": fingerprint: " + what +
                    ": the weights, facet.json or this build changed");
  };
  if (!now) return refuse("what it makes of its own rows is not finite");
  if (hash_of(now->codes) == said.text("codes") && near(now->nmse, said.number("nmse"))) return;
  if (!near(now->nmse, said.number("nmse")))
    refuse("NMSE of its own rows is " + for_eyes(now->nmse) + ", should be " +
           for_eyes(said.number("nmse")));
  if (!near(now->l0, said.number("l0")))
    refuse("L0 of its own rows is " + for_eyes(now->l0) + ", should be " +
           for_eyes(said.number("l0")));
  const double share = agreement(now->codes, kept_codes(folder, now->codes.d_sae));
  if (share < kCodesAgree)
    refuse(for_eyes(100 * share) + " % of its codes of its own rows are as they were, should be " +
           for_eyes(100 * kCodesAgree) + " %");
}

}  // namespace facet
