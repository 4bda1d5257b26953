// kl_eval: how much the host's output changes when an SAE's reconstruction takes the place of its
// rows.
#include <facet/error.h>
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <deque>
#include <map>

#include "figures.h"
#include "masking.h"
#include "passes.h"

namespace facet::kl_eval {

namespace {

// Groups that a bootstrap draws from: bounds the memory of sums by sequence.
constexpr size_t kMostGroups = 4096;

Schema<Params> schema() {
  return Schema<Params>()
      .field("at", &Params::at,
             "Hookpoints where the SAE is put, of those it reconstructs; empty: all of them (an "
             "SAE that codes each layer by itself is put at one after another).")
      .field("splice_from", &Params::splice_from,
             "What is reconstructed: live, the row that arrives; clean, the row of the host by "
             "itself; difference, what the clean one lacks is added to the live one. auto: live, "
             "or difference for an SAE that reads several hookpoints at once.",
             one_of({"auto", "live", "clean", "difference"}))
      .field("scaled", &Params::scaled, "Number that the reconstruction is multiplied by.")
      .field("replace", &Params::replace,
             "content: specials and pads keep the host's rows (without them a model's first "
             "token alone can ruin its output); all: every row is replaced.",
             one_of({"content", "all"}))
      .field("error_term", &Params::error_term,
             "Also splice with the SAE's error added back, which must change nothing.")
      .field("zero", &Params::zero, "Also measure the rows replaced by 0.")
      .field("mean", &Params::mean, "Also measure the rows replaced by their mean.")
      .field("masked", &Params::masked,
             "Share of the content tokens that a masked language model has to guess, each as "
             "<mask>; 0: none is masked. A causal host guesses every next token.",
             between(0, 1))
      .field("masked_column", &Params::masked_column,
             "Column of the records that lists the tokens to be masked (\"4 7 15\", from 0, "
             "specials counted), in place of a draw.")
      .field("figures", &Params::figures,
             "main: one definition of each word; all: also those of SAELens, RouteSAE, InterPLM.",
             one_of({"main", "all"}))
      .field("max_tokens", &Params::max_tokens,
             "Stop after so many tokens, pads counted; 0: all records.", at_least(0),
             unit("tokens"))
      .field("batch_tokens", &Params::batch_tokens,
             "Tokens of one forward pass (and one sequence); memory is this times the vocabulary, "
             "for each pass that is compared.",
             at_least(1), unit("tokens"))
      .field("resamples", &Params::resamples,
             "Resamples of the bootstrap over sequences behind the intervals; 0: no intervals.",
             at_least(0));
}

struct Waiting {
  std::vector<Tokens> tokens;
  std::vector<Tensor> guessed;  // [t] bool each
  int64_t count = 0;
};

class KlEval final : public Analysis {
 public:
  explicit KlEval(const Params& params) : params_(params) {}

  Needs needs() const override { return {.host = true, .sae = true, .records = true}; }

  Report run(Context& context) override {
    const torch::NoGradGuard no_gradients;
    HostModel& host = context.host();
    const Place place = context.place();
    auto sites = sites_of(context, host, place);
    warn_of_final_norm(context, *sites.front());
    const size_t each = sites.front()->names().size();
    Scores scores(1 + each * sites.size(), kMostGroups);
    Counts counts(sites.size());
    std::vector<std::string> ids;
    go_through(
        context, host, [&](const Waiting& batch) { measure(host, batch, sites, scores, counts); },
        ids);
    if (scores.sequences().empty()) throw UserError("kl_eval: there is no record to measure");
    return report(context, sites, scores, counts, ids);
  }

 private:
  // Tokens that each site replaced, by hookpoint.
  struct Counts {
    explicit Counts(size_t sites) : replaced(sites) {}
    int64_t tokens = 0;
    bool guessed = false;
    std::vector<std::map<std::string, int64_t>> replaced;
  };
  using Sites = std::deque<std::unique_ptr<Site>>;

  Sites sites_of(Context& context, HostModel& host, const Place& place) const {
    std::vector<std::vector<std::string>> at = {params_.at};
    if (place.by_layer) {
      at.clear();
      const std::vector<std::string>& outputs = place.target.empty() ? place.points : place.target;
      for (const std::string& point : params_.at.empty() ? outputs : params_.at)
        at.push_back({point});
    }
    Sites out;
    for (std::vector<std::string>& points : at)
      out.push_back(std::make_unique<Site>(host, context.sae(), context.normaliser(), place,
                                           params_, std::move(points)));
    return out;
  }

  static void warn_of_final_norm(Context& context, const Site& site) {
    for (const std::string& point : site.points())
      if (point == "final_norm.out")
        context.events().warn("kl_eval.hookpoint",
                              "kl_eval: final_norm.out is behind the last block: an SAE that is "
                              "put there changes no block, only the logits");
  }

  void go_through(Context& context, HostModel& host,
                  const std::function<void(const Waiting&)>& measured,
                  std::vector<std::string>& ids) const {
    auto records = context.records();
    if (!records) throw UserError("kl_eval: this data yields rows, should yield records");
    const bool guesses =
        !host.info().causal && (params_.masked > 0 || !params_.masked_column.empty());
    if (guesses && host.info().ids.mask < 0)
      throw UserError("kl_eval.masked: " + host.info().type +
                      " has no mask token, should be 0 to leave every token as it is");
    Rng rng = context.rng("masked");
    Waiting waiting;
    int64_t seen = 0;
    const auto flush = [&] {
      if (waiting.tokens.empty()) return;
      context.breathe();
      measured(waiting);
      waiting = {};
      context.events().progress("kl_eval", seen, params_.max_tokens, "tokens");
    };
    for (Record record;
         (params_.max_tokens == 0 || seen < params_.max_tokens) && records->next(record);) {
      Tokens tokens = tokens_of(host, record, static_cast<int64_t>(ids.size()));
      const int64_t count = tokens.id.size(0);
      if (count == 0) continue;
      if (waiting.count > 0 && waiting.count + count > params_.batch_tokens) flush();
      waiting.guessed.push_back(guesses ? chosen_to_guess(tokens, record, params_, rng)
                                        : torch::zeros({count}, torch::kBool));
      waiting.tokens.push_back(std::move(tokens));
      waiting.count += count;
      seen += count;
      ids.push_back(record.id);
    }
    flush();
  }

  static Tokens tokens_of(const HostModel& host, const Record& record, int64_t index) {
    Tokens tokens;
    try {
      const std::lock_guard turn(host.turn());
      tokens = host.tokenize({&record.text, 1});
    } catch (const UserError& e) {
      throw UserError("record \"" + record.id + "\": " + e.what());
    }
    tokens.sequence = torch::full({1}, index, torch::kInt64);
    return tokens;
  }

  static void measure(HostModel& host, const Waiting& batch, Sites& sites, Scores& scores,
                      Counts& counts) {
    const Tokens whole = Tokens::joined(batch.tokens);
    const Tensor guessed = torch::cat(batch.guessed);
    Tokens shown = whole;
    shown.id = whole.id.masked_fill(guessed, host.info().ids.mask);
    Splice::Clean clean;
    std::vector<Tensor> logits(1);
    for (size_t i = 0; i < sites.size(); ++i) {
      for (Tensor& one : sites[i]->passes(shown, clean)) logits.push_back(std::move(one));
      count_replaced(*sites[i], counts.replaced[i]);
    }
    logits[0] = clean.logits.value;
    counts.tokens += whole.id.size(0);
    counts.guessed = counts.guessed || guessed.any().item<bool>();
    scores.add(whole, logits, host.info().causal ? Says::next : Says::itself, guessed);
  }

  static void count_replaced(const Site& site, std::map<std::string, int64_t>& replaced) {
    const auto add = [&](const std::string& point, const Tensor& taken) {
      replaced[point] += taken.sum().item<int64_t>();
    };
    for (size_t i = 0; i < site.points().size(); ++i)
      add(site.points()[i], site.chosen().defined()
                                ? site.chosen().eq(site.column(i)) & site.replaced()
                                : site.replaced());
  }

  Report report(Context& context, const Sites& sites, const Scores& scores, const Counts& counts,
                const std::vector<std::string>& ids) const {
    Layout layout;
    layout.names = sites.front()->names();
    layout.sites = sites.size();
    layout.guesses = counts.guessed;
    layout.says = context.host().info().causal ? Says::next : Says::itself;
    const std::string from = text_of(sites.front()->from());
    layout.how = "the SAE's reconstruction (splice_from " + from + ", scaled " +
                 emit_json(params_.scaled) + ") in place of " +
                 (params_.replace == "all" ? "every row" : "content rows") +
                 (sites.size() > 1 ? ", mean over hookpoints, one at a time" : "");
    Report out;
    out.values = {
        {"sequences", static_cast<int64_t>(scores.sequences().size()),
         "records that were measured"},
        {"tokens", counts.tokens, "their tokens, specials and pads counted"},
        {"splice_from", from,
         "live: the row that arrives is reconstructed; clean: that of the host by itself; "
         "difference: what the clean one lacks is added to the live one"},
        {"scaled", params_.scaled, "what the reconstruction was multiplied by"}};
    for (Figure& figure : figures_of(scores, layout, params_, context.rng("bootstrap")))
      out.values.push_back(std::move(figure));
    out.tables.push_back(write_hookpoints(context, sites, scores, counts));
    out.tables.push_back(write_sequences(context, layout, scores, ids));
    return out;
  }

  static TableRef write_hookpoints(Context& context, const Sites& sites, const Scores& scores,
                                   const Counts& counts) {
    Table table({{"hookpoint", "where the SAE was put"},
                 {"replaced", "share of the tokens that were replaced there"},
                 {"kl_token", "as the figure"},
                 {"ce_spliced", "as the figure"}});
    for (size_t i = 0; i < sites.size(); ++i) {
      const size_t pass = 1 + i * sites[i]->names().size();
      for (const auto& [point, replaced] : counts.replaced[i])
        table.add({point, static_cast<double>(replaced) / static_cast<double>(counts.tokens),
                   kl_token(scores.sums(), pass), ce_of(scores.sums(), pass)});
    }
    return context.write(
        "kl_hookpoints.tsv",
        "Where rows were replaced, the share of tokens that were, and what it came "
        "to (of hookpoints that are replaced together, the same in each line).",
        table, sites.size() + 16);
  }

  TableRef write_sequences(Context& context, const Layout& layout, const Scores& scores,
                           const std::vector<std::string>& ids) const {
    Table table({{"record", "its id"},
                 {"tokens", "pads left out"},
                 {"kl_token", "of this record"},
                 {"ce", "of this record; 0 where none of its tokens is guessed"},
                 {"ce_spliced", "of this record"}});
    std::vector<const Scores::Sequence*> order;
    for (const Scores::Sequence& one : scores.sequences()) order.push_back(&one);
    const auto mean_over_sites = [&](const std::vector<double>& of) {
      double sum = 0;
      for (size_t site = 0; site < layout.sites; ++site) sum += of[1 + site * layout.names.size()];
      return sum / static_cast<double>(layout.sites);
    };
    std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
      return mean_over_sites(a->kl) > mean_over_sites(b->kl);
    });
    for (const Scores::Sequence* one : order)
      table.add({ids[static_cast<size_t>(one->sequence)], one->tokens, mean_over_sites(one->kl),
                 one->ce[0], mean_over_sites(one->ce)});
    return context.write("kl_sequences.tsv", "Each record, those first whose tokens changed most.",
                         table, 5);
  }

  Params params_;
};

}  // namespace

}  // namespace facet::kl_eval

FACET_PLUGIN("facet.analysis.kl_eval", FACET_VERSION) {
  registry.add_analysis<facet::kl_eval::KlEval>(
      "kl_eval", "What splicing an SAE into its host does to the host's output.",
      facet::kl_eval::schema());
}
