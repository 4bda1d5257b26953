// Contexts: the tokens on which each latent fires, with the text around them.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "class_contexts.h"
#include "quantiles.h"
#include "route_files.h"
#include "text_table.h"
#include "token_rows.h"
#include "top_sequences.h"

using namespace facet;

namespace {

// Latents between two looks at whether the run should stop, and two words on how far it is.
constexpr int64_t kBreath = 256;
constexpr char kBefore[] = "<<", kBehind[] = ">>";  // the token

struct ContextsParams {
  std::string form = "quantiles";
  double threshold = 0;
  int64_t least_contexts = 4;
  std::vector<int64_t> latents;
  int64_t before = 16;
  int64_t after = 16;
  int64_t top = 5;
  int64_t quantiles = 5;
  int64_t per_quantile = 3;
  int64_t context_length = 64;
  int64_t max_per_token = 2;
  int64_t top_sequences = 5;
  std::string model;
};

Schema<ContextsParams> schema() {
  return Schema<ContextsParams>()
      .field("form", &ContextsParams::form,
             "quantiles: the strongest rows of each latent, and some drawn of each quantile of its "
             "values; routesae: the strongest sentences of each token on which it fires, with "
             "RouteSAE's two JSON files.",
             one_of({"quantiles", "routesae"}))
      .field("threshold", &ContextsParams::threshold,
             "Values above it count (RouteSAE's code has 10, its paper 15).", at_least(0))
      .field("least_contexts", &ContextsParams::least_contexts,
             "Latents with fewer contexts are left out (RouteSAE's lines).", at_least(1))
      .field("latents", &ContextsParams::latents, "Only these latents; empty: all.")
      .field("before", &ContextsParams::before, "Of quantiles: tokens shown before the one.",
             at_least(0), unit("tokens"))
      .field("after", &ContextsParams::after, "Of quantiles: tokens shown after it.", at_least(0),
             unit("tokens"))
      .field("top", &ContextsParams::top, "Of quantiles: strongest rows of each latent.",
             at_least(0), unit("rows"))
      .field("quantiles", &ContextsParams::quantiles,
             "Of quantiles: parts of equally many rows into which a latent's values are cut.",
             at_least(0))
      .field("per_quantile", &ContextsParams::per_quantile,
             "Of quantiles: rows drawn of each, besides the strongest.", at_least(0), unit("rows"))
      .field("context_length", &ContextsParams::context_length,
             "Of routesae: longest sentence; of a longer one half of it stays on each side.",
             at_least(1), unit("tokens"))
      .field("max_per_token", &ContextsParams::max_per_token,
             "Of routesae: contexts of each latent and token.", at_least(1))
      .field("top_sequences", &ContextsParams::top_sequences,
             "Of routesae: sequences of each latent in top_sequences.json; 0: no such file.",
             at_least(0))
      .field("model", &ContextsParams::model,
             "Of routesae: the name of the architecture that contexts.json gives (\"TopK\").");
}

std::vector<Column> columns_of(const std::string& form) {
  std::vector<Column> columns = {{"latent", "number of the latent, from 0"}};
  if (form == "quantiles")
    columns.push_back({"quantile",
                       "top: one of its strongest; else the quantile of its values that the row "
                       "was drawn of, 1 the weakest"});
  else
    columns.push_back({"class", "the raw token, stripped and in lower case"});
  columns.push_back({"value", "the latent's value on the token"});
  columns.push_back({"token", "the token as the vocabulary has it"});
  columns.push_back({"sequence", "the sequence's name"});
  columns.push_back({"position", "number of the token in its sequence, from 0, specials counted"});
  columns.push_back({"context", form == "quantiles"
                                    ? "the tokens around it, the token between << and >>"
                                    : "its sentence, the token between <ACTIVATED> tags"});
  return columns;
}

class Contexts final : public Analysis {
 public:
  explicit Contexts(const ContextsParams& params) : params_(params) {}

  Needs needs() const override { return {.host = true, .codes = true}; }

  Report run(Context& context) override {
    const CodesReader& codes = context.codes();
    check(codes);
    const TokenRows tokens(codes, context.host());
    Found found{
        context, codes, tokens,
        ClassContexts(tokens, {params_.threshold, params_.context_length, params_.max_per_token}),
        TextTable(columns_of(params_.form))};
    for_each_latent(found, [&](int64_t latent) {
      is_routesae() ? add_classes(found, latent) : add_quantiles(found, latent);
    });
    if (is_routesae()) write_route_files(found);
    Report report;
    report.values = figures(found);
    report.tables.push_back(found.table.write(context, "contexts.tsv", title()));
    return report;
  }

 private:
  // What is gathered latent by latent.
  struct Found {
    Context& context;
    const CodesReader& codes;
    const TokenRows& tokens;
    ClassContexts choosing;
    TextTable table;
    RouteContexts route = {};
    RouteSequences with_pads = {}, without_pads = {};
    int64_t kept = 0, live = 0, above = 0, classes = 0;
  };

  bool is_routesae() const { return params_.form == "routesae"; }

  void check(const CodesReader& codes) const {
    if (codes.pool() != "none")
      throw UserError("contexts: a row of these codes is a whole sequence (pool is \"" +
                      codes.pool() + "\"), should be a token");
    for (const int64_t latent : params_.latents)
      if (latent < 0 || latent >= codes.d_sae())
        throw UserError("contexts.latents: is " + std::to_string(latent) +
                        ", should be from 0 to " + std::to_string(codes.d_sae() - 1));
  }

  template <class Look>
  void for_each_latent(Found& found, const Look& look) const {
    const bool all = params_.latents.empty();
    const int64_t n = all ? found.codes.d_sae() : static_cast<int64_t>(params_.latents.size());
    for (int64_t i = 0; i < n; ++i) {
      if (i % kBreath == 0) {
        found.context.breathe();
        found.context.events().progress("contexts", i, n, "latents");
      }
      look(all ? i : params_.latents[static_cast<size_t>(i)]);
    }
    found.context.events().progress("contexts", n, n, "latents");
  }

  void add_quantiles(Found& found, int64_t latent) const {
    const CodesReader::Firing firing = found.codes.firing(latent);
    const int64_t above = firing.value.gt(params_.threshold).sum().item<int64_t>();
    found.above += above;
    found.live += above > 0;
    const std::vector<Chosen> rows =
        chosen_rows(above, {params_.top, params_.quantiles, params_.per_quantile},
                    found.context.rng("latent " + std::to_string(latent)));
    if (static_cast<int64_t>(rows.size()) < params_.least_contexts) return;
    ++found.kept;
    bool first = true;
    for (const Chosen& row : rows) {
      const int64_t token = found.tokens.token_of(firing.row[row.index].item<int64_t>());
      add_row(found, latent, row.quantile == 0 ? Value("top") : Value(row.quantile),
              firing.value[row.index].item<float>(), token,
              found.tokens.marked(found.tokens.around(token, params_.before, params_.after),
                                  kBefore, kBehind),
              first);
      first = false;
    }
  }

  void add_classes(Found& found, int64_t latent) const {
    const CodesReader::Firing firing = found.codes.firing(latent);
    if (params_.top_sequences > 0) {
      const auto most = params_.top_sequences;
      found.with_pads.add(latent, top_sequences(firing, found.tokens, Pads::included, most));
      found.without_pads.add(latent, top_sequences(firing, found.tokens, Pads::left_out, most));
    }
    int64_t above = 0;
    const ClassMap classes = found.choosing.of(firing, above);
    found.above += above;
    found.live += above > 0;
    int64_t contexts = 0;
    for (const auto& [name, kept] : classes) contexts += static_cast<int64_t>(kept.size());
    if (contexts < params_.least_contexts) return;
    ++found.kept;
    found.classes += static_cast<int64_t>(classes.size());
    found.route.add(latent, classes);
    bool first = true;
    for (const auto& [name, kept] : classes)
      for (const ClassContext& one : kept) {
        add_row(found, latent, name, one.value, one.token, one.text, first);
        first = false;
      }
  }

  static void add_row(Found& found, int64_t latent, Value part, float value, int64_t token,
                      const std::string& text, bool shown) {
    const TokenRows& tokens = found.tokens;
    found.table.add(
        {latent, std::move(part), static_cast<double>(value), tokens.raw(tokens.id(token)),
         tokens.name(tokens.sequence(token)), static_cast<int64_t>(tokens.position(token)), text},
        shown ? TextTable::Shown::yes : TextTable::Shown::no);
  }

  void write_route_files(const Found& found) const {
    found.context.write_file(
        "contexts.json", found.route.file({params_.model, params_.threshold, params_.context_length,
                                           params_.max_per_token, params_.least_contexts}));
    if (params_.top_sequences > 0)
      found.context.write_file("top_sequences.json",
                               top_sequences_file(found.with_pads, found.without_pads));
  }

  std::vector<Figure> figures(const Found& found) const {
    const std::string above = "a value above the threshold (" + for_eyes(params_.threshold) + ")";
    std::vector<Figure> out = {
        {"rows", found.codes.rows(), "rows that were searched", {}},
        {"live", found.live, "latents with " + above + " on at least one of these rows", {}},
        {"above", found.above, "pairs of row and latent with " + above, {}},
        {"total_latents",
         found.kept,
         "latents with at least " + std::to_string(params_.least_contexts) +
             " contexts, those that are listed" +
             (is_routesae() ? "; RouteSAE's paper calls their number interpretable features" : ""),
         {}},
        {"contexts", found.table.rows(), "contexts that are listed", {}}};
    if (is_routesae())
      out.push_back({"classes",
                     found.classes,
                     "pairs of a listed latent and a token (stripped, in lower case) on which it "
                     "fires",
                     {}});
    return out;
  }

  std::string title() const {
    return is_routesae()
               ? "The strongest sentences of each latent and token. The report shows one each of "
                 "the first latents."
               : "The strongest tokens of each latent, and some of each quantile of its values, "
                 "with the text around them. The report shows the strongest of the first latents.";
  }

  ContextsParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.contexts", FACET_VERSION) {
  registry.add_analysis<Contexts>(
      "contexts", "The tokens on which each latent fires, with the text around them.", schema());
}
