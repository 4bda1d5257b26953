// The conformance suite: parts that are only constructed, whole plugins, and the text of findings.
#include "plugin/conformance.h"

#include "facet/torch.h"
#include "plugin/conformance_trial.h"

namespace facet {

namespace {

// Rows asked of a source in one call, and how far from 1 the norm of a true feature may be.
constexpr int64_t kRowsAsked = 8;
constexpr double kUnitNorm = 1e-4;

// "constructs", for parts that need nothing but their parameters; nullptr when that failed or was
// skipped.
template <class Interface>
std::unique_ptr<Interface> construct(Trial& trial, const PartOf<Interface>& part) {
  std::unique_ptr<Interface> made;
  trial.property("constructs", [&] {
    const Sample sample = sample_params(part);
    if (!sample.params) return sample.why;
    made = part.make(*sample.params);
    return made ? holds() : fails("made nothing");
  });
  return made;
}

template <class Interface>
Findings check_constructed(const PartOf<Interface>& part) {
  Trial trial(part);
  construct(trial, part);
  return trial.finish();
}

Outcome repeats_rows(const RowMaker& rows) {
  const Tensor first = rows.make(1, kRowsAsked);
  if (first.sizes() != at::IntArrayRef({kRowsAsked, rows.width()}) ||
      first.scalar_type() != torch::kFloat32)
    return fails("rows are no float32 [n, width]");
  if (!torch::equal(first, rows.make(1, kRowsAsked)))
    return fails("the same rows have other bits the second time");
  const Tensor dictionary = rows.dictionary();
  if (dictionary.dim() != 2 || dictionary.size(1) != rows.width())
    return fails("the dictionary is no [features, width]");
  const double off = (dictionary.norm(2, 1) - 1).abs().max().item<double>();
  return off <= kUnitNorm ? holds() : fails("the dictionary's rows are not of norm 1");
}

const char* word(Verdict verdict) {
  return verdict == Verdict::pass ? "pass" : verdict == Verdict::fail ? "fail" : "skipped";
}

void append(Findings& all, Findings more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Findings check_part(const Registry& registry, const Part& part) {
  if (part.kind == "sae") return check_sae(registry.sae(part.name));
  if (part.kind == "host") return check_host(registry.host(part.name));
  if (part.kind == "data") return check_data(registry.data(part.name));
  if (part.kind == "analysis") return check_analysis(registry.analysis(part.name));
  FACET_ASSERT(part.kind == "normaliser", "no conformance suite for a " + part.kind);
  return check_normaliser(registry.normaliser(part.name));
}

}  // namespace

Findings check_data(const PartOf<Data>& part) {
  Trial trial(part);
  if (const std::unique_ptr<Data> data = construct(trial, part)) {
    trial.property("answers as records or as rows", [&] {
      const bool records = data->open() != nullptr, rows = data->rows() != nullptr;
      if (records && rows) return fails("answers as both");
      return records || rows ? holds() : fails("answers as neither");
    });
    if (data->rows())
      trial.property("rows are repeatable", [&] { return repeats_rows(*data->rows()); });
  }
  return trial.finish();
}

Findings check_analysis(const AnalysisPart& part) { return check_constructed(part); }
Findings check_normaliser(const NormaliserPart& part) { return check_constructed(part); }

Findings check_plugin(const Registry& registry, const std::string& plugin) {
  Findings findings;
  for (const Part* part : registry.parts())
    if (part->plugin == plugin) append(findings, check_part(registry, *part));
  return findings;
}

bool conforms(const Findings& findings) {
  for (const Finding& finding : findings)
    if (finding.verdict == Verdict::fail) return false;
  return true;
}

std::string describe(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    std::string detail = finding.detail;
    for (size_t end = detail.find('\n'); end != std::string::npos; end = detail.find('\n', end))
      detail.replace(end, 1, "; ");
    out += finding.part + ": " + finding.property + ": " + word(finding.verdict);
    out += detail.empty() ? "\n" : ": " + detail + "\n";
  }
  return out;
}

}  // namespace facet
