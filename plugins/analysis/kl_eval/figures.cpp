// Works out ratios of sums, and says what each is.
#include "figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

namespace facet::kl_eval {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

using Sums = std::vector<double>;

double ratio(double a, double b) { return b == 0 ? kNothing : a / b; }

// Reads figures off the sums of one site.
class Reader {
 public:
  Reader(const Sums& sums, const Layout& layout, size_t site)
      : sums_(sums), layout_(layout), site_(site) {}

  bool has(const std::string& name) const { return index(name) < layout_.names.size(); }
  double kl(const std::string& name, Over over) const {
    return ratio(sums_[Scores::kl(pass(name), over)], sums_[Scores::kl_count(over)]);
  }
  double kl_of_sequence(const std::string& name, Over over) const {
    return ratio(sums_[Scores::kl(pass(name), over)], sums_[Scores::sequence_count()]);
  }
  double ce(const std::string& name, Over over) const {
    return ratio(sums_[Scores::ce(pass(name), over)], sums_[Scores::ce_count(over)]);
  }
  double ce_of_sequences(const std::string& name) const {
    return ratio(sums_[Scores::ce_of_sequence(pass(name))], sums_[Scores::sequence_count()]);
  }
  /// (ablated - spliced) / (ablated - clean).
  double recovered(const std::string& ablated, Over over) const {
    const double worst = ce(ablated, over);
    return ratio(worst - ce("spliced", over), worst - ce("clean", over));
  }

 private:
  size_t index(const std::string& name) const {
    return static_cast<size_t>(std::find(layout_.names.begin(), layout_.names.end(), name) -
                               layout_.names.begin());
  }
  size_t pass(const std::string& name) const {
    return name == "clean" ? 0 : 1 + site_ * layout_.names.size() + index(name);
  }

  const Sums& sums_;
  const Layout& layout_;
  size_t site_;
};

struct Row {
  std::string name, definition;
  std::function<double(const Reader&)> of;
  std::vector<std::pair<std::string, std::function<double(const Reader&)>>> baselines = {};
  std::string target = {};
};

std::string ce_text(const Layout& layout) {
  if (layout.guesses) return "mean over masked tokens of -log p(token that stood there), nats";
  if (layout.says == Says::itself)
    return "mean over content tokens of -log p(token that stands there, nothing masked), nats";
  return "mean over tokens of -log p(next token), both no pads, nats";
}

std::vector<Row> main_rows(const Layout& layout) {
  const std::string kl =
      "sum_v p (log p - log q), p the host's distribution, q that of the host with " + layout.how;
  const std::string ce = ce_text(layout);
  std::vector<Row> rows = {{"kl_token",
                            "mean over tokens, pads left out, of " + kl + "; nats a token",
                            [](const Reader& r) { return r.kl("spliced", kReal); },
                            {{"zero", [](const Reader& r) { return r.kl("zero", kReal); }},
                             {"mean", [](const Reader& r) { return r.kl("mean", kReal); }}},
                            "0"},
                           {"kl_token_content",
                            "as kl_token, over tokens that are neither specials nor pads",
                            [](const Reader& r) { return r.kl("spliced", kContent); },
                            {{"zero", [](const Reader& r) { return r.kl("zero", kContent); }},
                             {"mean", [](const Reader& r) { return r.kl("mean", kContent); }}},
                            "0"},
                           {"kl_sequence",
                            "mean over sequences of the sum of kl_token's terms; nats a sequence",
                            [](const Reader& r) { return r.kl_of_sequence("spliced", kReal); },
                            {},
                            "0"}};
  if (layout.guesses)
    rows.push_back({"kl_masked",
                    "as kl_token, over the masked tokens",
                    [](const Reader& r) { return r.kl("spliced", kGuessed); },
                    {{"zero", [](const Reader& r) { return r.kl("zero", kGuessed); }},
                     {"mean", [](const Reader& r) { return r.kl("mean", kGuessed); }}},
                    "0"});
  rows.push_back(
      {"ce", ce + ": the host by itself", [](const Reader& r) { return r.ce("clean", kReal); }});
  rows.push_back({"ce_spliced",
                  ce + ": with " + layout.how,
                  [](const Reader& r) { return r.ce("spliced", kReal); },
                  {{"zero", [](const Reader& r) { return r.ce("zero", kReal); }},
                   {"mean", [](const Reader& r) { return r.ce("mean", kReal); }}}});
  rows.push_back({"ce_difference",
                  "ce_spliced - ce",
                  [](const Reader& r) { return r.ce("spliced", kReal) - r.ce("clean", kReal); },
                  {},
                  "0"});
  rows.push_back({"ce_recovered_zero",
                  "(ablated - ce_spliced) / (ablated - ce), ablated: the same hookpoints' rows, "
                  "all of them, become 0",
                  [](const Reader& r) { return r.recovered("zero", kReal); },
                  {},
                  "1"});
  rows.push_back({"ce_recovered_mean",
                  "(ablated - ce_spliced) / (ablated - ce), ablated: the same hookpoints' rows, "
                  "all of them, become their mean over the tokens of a batch, pads left out",
                  [](const Reader& r) { return r.recovered("mean", kReal); },
                  {},
                  "1"});
  rows.push_back({"kl_token_error_term",
                  "kl_token with what the SAE leaves over added back: 0 but for rounding",
                  [](const Reader& r) { return r.kl("error_term", kReal); },
                  {},
                  "below 1e-5"});
  return rows;
}

// The same words by the definitions of others.
std::vector<Row> rows_of_others(const Layout& layout) {
  if (layout.says == Says::itself)
    return {{"ce_interplm",
             "mean over sequences of the mean over their content tokens of -log p: the host by "
             "itself (InterPLM)",
             [](const Reader& r) { return r.ce_of_sequences("clean"); }},
            {"ce_spliced_interplm",
             "the same, spliced (InterPLM)",
             [](const Reader& r) { return r.ce_of_sequences("spliced"); },
             {{"zero", [](const Reader& r) { return r.ce_of_sequences("zero"); }},
              {"mean", [](const Reader& r) { return r.ce_of_sequences("mean"); }}}},
            {"pct_loss_recovered_interplm",
             "100 * (1 - (ce_spliced - ce) / (zero - ce)) of these, between 0 and 100 (InterPLM)",
             [](const Reader& r) {
               const double clean = r.ce_of_sequences("clean"), zero = r.ce_of_sequences("zero");
               const double share = 1 - ratio(r.ce_of_sequences("spliced") - clean, zero - clean);
               return 100 * std::clamp(share, 0.0, 1.0);
             }}};
  const auto all_rows = [](const char* name, const char* pass, const char* text) {
    return Row{name, text, [pass](const Reader& r) { return r.ce(pass, kAll); }};
  };
  return {
      {"ce_saelens",
       "mean of -log p(next token) over tokens that are neither specials nor pads, whatever the "
       "next one is: the host by itself (SAELens, SAEBench)",
       [](const Reader& r) { return r.ce("clean", kContent); }},
      {"ce_spliced_saelens",
       "the same, spliced (SAELens, SAEBench)",
       [](const Reader& r) { return r.ce("spliced", kContent); },
       {{"zero", [](const Reader& r) { return r.ce("zero", kContent); }},
        {"mean", [](const Reader& r) { return r.ce("mean", kContent); }}}},
      {"ce_score_saelens", "(zero - spliced) / (zero - clean) of these (SAELens: ce_loss_score)",
       [](const Reader& r) { return r.recovered("zero", kContent); }},
      {"kl_score_saelens", "(zero - spliced) / zero of kl_token_content (SAELens: kl_div_score)",
       [](const Reader& r) {
         const double zero = r.kl("zero", kContent);
         return ratio(zero - r.kl("spliced", kContent), zero);
       }},
      all_rows("ce_all", "clean",
               "mean over all tokens but the last of -log p(next token), pads too: the host by "
               "itself (RouteSAE)"),
      all_rows("ce_spliced_all", "spliced", "the same, spliced (RouteSAE)"),
      {"kl_token_all",
       "as kl_token, pads too",
       [](const Reader& r) { return r.kl("spliced", kAll); },
       {{"zero", [](const Reader& r) { return r.kl("zero", kAll); }},
        {"mean", [](const Reader& r) { return r.kl("mean", kAll); }}}},
      {"kl_sequence_route",
       "sum over all tokens, pads too, divided by the sequences (RouteSAE: KLDiv, batchmean)",
       [](const Reader& r) { return r.kl_of_sequence("spliced", kAll); },
       {{"zero", [](const Reader& r) { return r.kl_of_sequence("zero", kAll); }},
        {"mean", [](const Reader& r) { return r.kl_of_sequence("mean", kAll); }}}},
      {"delta_ce_route", "ce_spliced_all - ce_all (RouteSAE: DeltaCE)",
       [](const Reader& r) { return r.ce("spliced", kAll) - r.ce("clean", kAll); }},
      {"ce_recovered_route",
       "1 - (ce_spliced_all - ce_all) / (zero - ce_all + 1e-8) (RouteSAE: Recovered)",
       [](const Reader& r) {
         const double clean = r.ce("clean", kAll);
         return 1 - (r.ce("spliced", kAll) - clean) / (r.ce("zero", kAll) - clean + 1e-8);
       }}};
}

// Pass that a name such as "ce_recovered_zero" cannot do without.
bool possible(const Row& row, const Layout& layout) {
  const auto has = [&](const char* name) {
    return std::find(layout.names.begin(), layout.names.end(), name) != layout.names.end();
  };
  if (row.name == "kl_token_error_term") return has("error_term");
  if (row.name == "ce_recovered_mean") return has("mean");
  const bool of_zero = row.name == "ce_recovered_zero" || row.name == "ce_score_saelens" ||
                       row.name == "kl_score_saelens" || row.name == "ce_recovered_route" ||
                       row.name == "pct_loss_recovered_interplm";
  return !of_zero || has("zero");
}

double over_sites(const Sums& sums, const Layout& layout,
                  const std::function<double(const Reader&)>& of) {
  double sum = 0;
  for (size_t site = 0; site < layout.sites; ++site) sum += of(Reader(sums, layout, site));
  return sum / static_cast<double>(layout.sites);
}

}  // namespace

std::vector<Figure> figures_of(const Scores& scores, const Layout& layout, const Params& params,
                               Rng rng) {
  std::vector<Row> rows = main_rows(layout);
  if (params.figures == "all")
    for (Row& row : rows_of_others(layout)) rows.push_back(std::move(row));
  std::erase_if(rows, [&](const Row& row) { return !possible(row, layout); });
  const FiguresOfSums figures = [&](const Sums& sums) {
    Sums out;
    for (const Row& row : rows) out.push_back(over_sites(sums, layout, row.of));
    return out;
  };
  const GroupSums& groups = scores.sums();
  const bool merged = scores.sequences().size() > groups.groups();
  const std::string of =
      merged ? std::to_string(groups.groups()) + " groups of sequences" : "sequences";
  const auto intervals = bootstrap(groups, figures, {params.resamples, 0.95, of}, rng);
  const Sums total = groups.total();
  const Sums values = figures(total);
  std::vector<Figure> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    Figure figure{rows[i].name, values[i], rows[i].definition};
    for (const auto& [name, baseline] : rows[i].baselines)
      if (Reader(total, layout, 0).has(name))
        figure.baselines.emplace_back(name, over_sites(total, layout, baseline));
    figure.interval = intervals[i];
    figure.target = rows[i].target;
    out.push_back(std::move(figure));
  }
  return out;
}

double kl_token(const GroupSums& sums, size_t pass) {
  const Sums total = sums.total();
  return ratio(total[Scores::kl(pass, kReal)], total[Scores::kl_count(kReal)]);
}

double ce_of(const GroupSums& sums, size_t pass) {
  const Sums total = sums.total();
  return ratio(total[Scores::ce(pass, kReal)], total[Scores::ce_count(kReal)]);
}

}  // namespace facet::kl_eval
