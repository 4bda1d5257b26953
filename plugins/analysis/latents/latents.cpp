// Latents: how often and how strongly each latent fires, and in which proteins and residues.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "firing_rows.h"
#include "residues.h"

using namespace facet;

namespace {

// Latents and examples that the report shows.
constexpr size_t kLatentsShown = 10;
constexpr size_t kExamplesShown = 5;
constexpr size_t kResiduesShown = 8;
// Latents between two looks at whether the run should stop, and two words on how far it is.
constexpr int64_t kBreath = 256;

struct LatentsParams {
  int64_t examples = 5;
  int64_t latents = 0;
  int64_t window = 10;
  double max_frequency = 0.1;
};

Schema<LatentsParams> schema() {
  return Schema<LatentsParams>()
      .field("examples", &LatentsParams::examples,
             "Sequences listed for each latent, strongest first.", at_least(1))
      .field("latents", &LatentsParams::latents,
             "Latents whose examples are listed, most active first; 0: all that fire.", at_least(0))
      .field("window", &LatentsParams::window, "Letters shown on each side of the strongest one.",
             at_least(0), unit("letters"))
      .field("max_frequency", &LatentsParams::max_frequency,
             "Latents that fire on a larger share of the rows are called dense and stand last in "
             "the order of activity.",
             between(0, 1));
}

std::vector<Column> latent_columns() {
  return {
      {"latent", "number of the latent, from 0"},
      {"frequency", "share of all rows on which it fires (value > 0)"},
      {"mean", "mean of its values where it fires"},
      {"max", "its largest value"},
      {"sequences", "number of sequences in which it fires"},
      {"residues", "the letters it fires on most, as shares of its rows"},
      {"top_sequence", "the sequence with its largest value"},
      {"top_description", "what that sequence is"},
      {"top_window", "the letters around its largest value, those on which it fires in brackets"}};
}

std::vector<Column> example_columns() {
  return {{"latent", "number of the latent, from 0"},
          {"rank", "1: the sequence with the latent's largest value"},
          {"sequence", "the sequence's name"},
          {"description", "what the sequence is"},
          {"max", "the latent's largest value in this sequence"},
          {"letter", "where that value is: number of the letter, from 1"},
          {"window", "the letters around it, those on which the latent fires in brackets"},
          {"residues",
           "every letter of the sequence on which the latent fires, with its number from 1"}};
}

class Latents final : public Analysis {
 public:
  explicit Latents(const LatentsParams& params) : params_(params) {}

  Needs needs() const override { return {.codes = true}; }

  Report run(Context& context) override {
    const CodesReader& codes = context.codes();
    if (codes.rows() == 0) throw UserError("latents: there are no rows to look at");
    const RowOrigins origins(codes);
    std::vector<LatentSummary> summaries;
    for (int64_t latent = 0; latent < codes.d_sae(); ++latent) {
      if (latent % kBreath == 0) {
        context.breathe();
        context.events().progress("latents", latent, codes.d_sae(), "latents");
      }
      summaries.push_back(summarise(codes, origins, latent, params_.examples));
    }
    context.events().progress("latents", codes.d_sae(), codes.d_sae(), "latents");
    const std::vector<size_t> order = by_activity(summaries, codes.rows());

    Report report;
    report.values = figures(summaries, codes);
    report.tables.push_back(write_latents(context, summaries, order, codes.rows(), origins));
    report.tables.push_back(write_examples(context, summaries, order, origins));
    return report;
  }

 private:
  bool dense(const LatentSummary& latent, int64_t rows) const {
    return static_cast<double>(latent.rows) > params_.max_frequency * static_cast<double>(rows);
  }

  // Live latents by falling frequency, dense ones after the others; ties by number.
  std::vector<size_t> by_activity(const std::vector<LatentSummary>& latents, int64_t rows) const {
    std::vector<size_t> order;
    for (size_t i = 0; i < latents.size(); ++i)
      if (latents[i].rows > 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const bool dense_a = dense(latents[a], rows), dense_b = dense(latents[b], rows);
      return dense_a != dense_b ? dense_b : latents[a].rows > latents[b].rows;
    });
    return order;
  }

  std::vector<Figure> figures(const std::vector<LatentSummary>& latents,
                              const CodesReader& codes) const {
    std::vector<int64_t> rows;
    int64_t dense_latents = 0;
    for (const LatentSummary& latent : latents) {
      if (latent.rows > 0) rows.push_back(latent.rows);
      if (dense(latent, codes.rows())) ++dense_latents;
    }
    std::sort(rows.begin(), rows.end());
    const auto share = [&](size_t i) {
      return static_cast<double>(rows[i]) / static_cast<double>(codes.rows());
    };
    const double median =
        rows.empty() ? 0.0 : (share((rows.size() - 1) / 2) + share(rows.size() / 2)) / 2;
    return {{"rows", codes.rows(), "rows that were measured", {}},
            {"sequences",
             static_cast<int64_t>(codes.sequences().size()),
             "sequences the rows come from",
             {}},
            {"latents", codes.d_sae(), "number of latents (d_sae)", {}},
            {"live",
             static_cast<int64_t>(rows.size()),
             "latents with a value > 0 on at least one of these rows",
             {}},
            {"dense",
             dense_latents,
             "latents that fire on a larger share of the rows than max_frequency (" +
                 for_eyes(params_.max_frequency) + ")",
             {}},
            {"median_frequency",
             median,
             "median over the live latents of the share of rows on which they fire",
             {}}};
  }

  std::vector<Value> latent_row(const LatentSummary& latent, int64_t rows,
                                const RowOrigins& origins) const {
    std::vector<Value> row = {
        latent.latent,    static_cast<double>(latent.rows) / static_cast<double>(rows),
        latent.mean,      latent.max,
        latent.sequences, latent.residues};
    if (latent.examples.empty()) {
      row.insert(row.end(), {"", "", ""});
      return row;
    }
    const Example& top = latent.examples.front();
    const SequenceInfo& info = origins.info(top.sequence);
    row.insert(row.end(), {origins.name(top.sequence), short_description(info.description),
                           emit_window({info.text, top.letters}, top.letter, params_.window)});
    return row;
  }

  TableRef write_latents(Context& context, const std::vector<LatentSummary>& latents,
                         const std::vector<size_t>& order, int64_t rows,
                         const RowOrigins& origins) const {
    Table table(latent_columns()), head(latent_columns());
    for (const LatentSummary& latent : latents) table.add(latent_row(latent, rows, origins));
    for (size_t i = 0; i < std::min(order.size(), kLatentsShown); ++i)
      head.add(latent_row(latents[order[i]], rows, origins));
    TableRef ref = context.write("latents.tsv",
                                 "The most active latents with their proteins: highest frequency "
                                 "first, dense latents (above " +
                                     for_eyes(params_.max_frequency) +
                                     ") last. The file has every latent, by number.",
                                 table, kLatentsShown);
    ref.head = std::move(head);
    return ref;
  }

  TableRef write_examples(Context& context, const std::vector<LatentSummary>& latents,
                          const std::vector<size_t>& order, const RowOrigins& origins) const {
    const size_t wanted =
        params_.latents == 0 ? order.size() : std::min<size_t>(order.size(), params_.latents);
    Table table(example_columns()), head(example_columns());
    for (size_t i = 0; i < wanted; ++i) {
      const LatentSummary& latent = latents[order[i]];
      int64_t rank = 0;
      for (const Example& example : latent.examples) {
        const SequenceInfo& info = origins.info(example.sequence);
        const Marked marked{info.text, example.letters};
        std::vector<Value> row = {latent.latent,
                                  ++rank,
                                  origins.name(example.sequence),
                                  short_description(info.description),
                                  example.max,
                                  example.letter + 1,
                                  emit_window(marked, example.letter, params_.window),
                                  emit_residues(marked)};
        table.add(row);
        row.back() = emit_residues(marked, kResiduesShown);
        if (i < kExamplesShown) head.add(std::move(row));
      }
    }
    TableRef ref = context.write(
        "latent_examples.tsv",
        "Where the most active latents fire: their strongest sequences, most active latent first.",
        table, 0);
    ref.head = std::move(head);
    return ref;
  }

  LatentsParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.latents", FACET_VERSION) {
  registry.add_analysis<Latents>(
      "latents", "How often each latent fires, and in which proteins and residues.", schema());
}
