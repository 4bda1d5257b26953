// Latents: how often and how strongly each latent fires, and in which proteins and residues.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "decoder_rows.h"
#include "firing_rows.h"
#include "ranking.h"
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
  int64_t dimensions = 3;
  std::string order = "telling";
  int64_t least_sequences = 5;
  double max_frequency = 0.1;
};

Schema<LatentsParams> schema() {
  return Schema<LatentsParams>()
      .field("examples", &LatentsParams::examples,
             "Sequences listed for each latent, strongest first.", at_least(1))
      .field("latents", &LatentsParams::latents,
             "Latents whose examples are listed, the first in `order`; 0: all that fire.",
             at_least(0))
      .field("window", &LatentsParams::window, "Letters shown on each side of the strongest one.",
             at_least(0), unit("letters"))
      .field("dimensions", &LatentsParams::dimensions,
             "Dimensions of the row listed for each latent, those of largest |W_dec|.", at_least(0))
      .field(
          "order", &LatentsParams::order,
          "Which latents stand first: the most telling (they fire in few sequences, and strongly "
          "there), or the most frequent.",
          one_of({"telling", "frequency"}))
      .field("least_sequences", &LatentsParams::least_sequences,
             "By telling, latents that fire in fewer sequences stand after the others: they cannot "
             "show what sequences have in common.",
             at_least(1), unit("sequences"))
      .field("max_frequency", &LatentsParams::max_frequency,
             "Latents that fire on a larger share of the rows are called dense and stand last.",
             between(0, 1));
}

// What a row of the store is: a residue, or a whole sequence whose letters cannot be told apart.
enum class RowIs { residue = 1, sequence };

std::vector<Column> latent_columns(RowIs row) {
  std::vector<Column> columns = {
      {"latent", "number of the latent, from 0"},
      {"telling",
       "mean x |row of W_dec| x ln(sequences / those in which it fires): high when it fires in few "
       "sequences, and strongly there"},
      {"frequency", "share of all rows on which it fires (value > 0)"},
      {"mean", "mean of its values where it fires"},
      {"max", "its largest value"},
      {"sequences", "number of sequences in which it fires"}};
  if (row == RowIs::residue)
    columns.push_back({"residues", "the letters it fires on most, as shares of its rows"});
  columns.push_back({"top_sequence", "the sequence with its largest value"});
  columns.push_back({"top_description", "what that sequence is"});
  if (row == RowIs::residue)
    columns.push_back(
        {"top_window",
         "the letters around its largest value, those on which it fires in brackets"});
  columns.push_back(
      {"dimensions",
       "dimensions of the row it writes to most, from 0, with their weight in W_dec"});
  return columns;
}

std::vector<Column> example_columns(RowIs row) {
  std::vector<Column> columns = {{"latent", "number of the latent, from 0"},
                                 {"rank", "1: the sequence with the latent's largest value"},
                                 {"sequence", "the sequence's name"},
                                 {"description", "what the sequence is"},
                                 {"max", "the latent's largest value in this sequence"}};
  if (row == RowIs::sequence) return columns;
  columns.push_back({"letter", "where that value is: number of the letter, from 1"});
  columns.push_back(
      {"window", "the letters around it, those on which the latent fires in brackets"});
  columns.push_back(
      {"residues",
       "every letter of the sequence on which the latent fires, with its number from 1"});
  return columns;
}

class Latents final : public Analysis {
 public:
  explicit Latents(const LatentsParams& params) : params_(params) {}

  Needs needs() const override { return {.sae = true, .codes = true}; }

  Report run(Context& context) override {
    const CodesReader& codes = context.codes();
    if (codes.rows() == 0) throw UserError("latents: there are no rows to look at");
    const Looked looked{codes, RowOrigins(codes), DecoderRows(context.sae()),
                        codes.pool() == "none" ? RowIs::residue : RowIs::sequence};
    const std::vector<LatentSummary> summaries = summaries_of(context, looked);
    const std::vector<size_t> order = ranked(
        summaries, {params_.order, params_.least_sequences, params_.max_frequency}, codes.rows());

    Report report;
    report.values = figures(summaries, looked);
    report.tables.push_back(write_latents(context, summaries, order, looked));
    report.tables.push_back(write_examples(context, summaries, order, looked));
    return report;
  }

 private:
  struct Looked {
    const CodesReader& codes;
    RowOrigins origins;
    DecoderRows decoder;
    RowIs row;
  };

  std::vector<LatentSummary> summaries_of(Context& context, const Looked& at) const {
    std::vector<LatentSummary> out;
    const int64_t latents = at.codes.d_sae();
    for (int64_t latent = 0; latent < latents; ++latent) {
      if (latent % kBreath == 0) {
        context.breathe();
        context.events().progress("latents", latent, latents, "latents");
      }
      out.push_back(summarise(at.codes, at.origins, latent, params_.examples));
      out.back().telling = telling(out.back(), at.decoder.norm(latent), at.origins.sequences());
    }
    context.events().progress("latents", latents, latents, "latents");
    return out;
  }

  std::vector<Figure> figures(const std::vector<LatentSummary>& latents, const Looked& at) const {
    const CodesReader& codes = at.codes;
    std::vector<int64_t> rows;
    int64_t dense_latents = 0;
    for (const LatentSummary& latent : latents) {
      if (latent.rows > 0) rows.push_back(latent.rows);
      if (is_dense(latent, codes.rows(), params_.max_frequency)) ++dense_latents;
    }
    std::sort(rows.begin(), rows.end());
    const auto share = [&](size_t i) {
      return static_cast<double>(rows[i]) / static_cast<double>(codes.rows());
    };
    const double median =
        rows.empty() ? 0.0 : (share((rows.size() - 1) / 2) + share(rows.size() / 2)) / 2;
    return {{"rows", codes.rows(), "rows that were measured", {}},
            {"sequences", at.origins.sequences(), "sequences the rows come from", {}},
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

  std::vector<Value> latent_row(const LatentSummary& latent, const Looked& at) const {
    std::vector<Value> row = {
        latent.latent,
        latent.telling,
        static_cast<double>(latent.rows) / static_cast<double>(at.codes.rows()),
        latent.mean,
        latent.max,
        latent.sequences};
    const bool letters = at.row == RowIs::residue, fires = !latent.examples.empty();
    if (letters) row.emplace_back(latent.residues);
    const Example top = fires ? latent.examples.front() : Example();
    const SequenceInfo& info = at.origins.info(fires ? top.sequence : -1);
    row.emplace_back(fires ? at.origins.name(top.sequence) : "");
    row.emplace_back(short_description(info.description));
    if (letters)
      row.emplace_back(emit_window({info.text, top.letters}, top.letter, params_.window));
    row.emplace_back(at.decoder.emit_dimensions(latent.latent, params_.dimensions));
    return row;
  }

  std::string first() const {
    return params_.order == "telling" ? "most telling latents" : "most frequent latents";
  }

  TableRef write_latents(Context& context, const std::vector<LatentSummary>& latents,
                         const std::vector<size_t>& order, const Looked& at) const {
    Table table(latent_columns(at.row)), head(latent_columns(at.row));
    for (const LatentSummary& latent : latents) table.add(latent_row(latent, at));
    for (size_t i = 0; i < std::min(order.size(), kLatentsShown); ++i)
      head.add(latent_row(latents[order[i]], at));
    const std::string which =
        params_.order == "telling"
            ? "those that fire in few sequences, and strongly there, first; those of fewer than " +
                  std::to_string(params_.least_sequences) + " sequences and then dense ones (above "
            : "highest frequency first, dense ones (above ";
    TableRef ref = context.write("latents.tsv",
                                 "The " + first() + " with their proteins: " + which +
                                     for_eyes(params_.max_frequency) +
                                     " of the rows) last. The file has every latent, by number.",
                                 table, kLatentsShown);
    ref.head = std::move(head);
    return ref;
  }

  std::vector<Value> example_row(const LatentSummary& latent, const Example& example, int64_t rank,
                                 size_t residues, const Looked& at) const {
    const SequenceInfo& info = at.origins.info(example.sequence);
    std::vector<Value> row = {latent.latent, rank, at.origins.name(example.sequence),
                              short_description(info.description), example.max};
    if (at.row == RowIs::sequence) return row;
    const Marked marked{info.text, example.letters};
    row.emplace_back(example.letter + 1);
    row.emplace_back(emit_window(marked, example.letter, params_.window));
    row.emplace_back(emit_residues(marked, residues));
    return row;
  }

  TableRef write_examples(Context& context, const std::vector<LatentSummary>& latents,
                          const std::vector<size_t>& order, const Looked& at) const {
    const size_t wanted =
        params_.latents == 0 ? order.size() : std::min<size_t>(order.size(), params_.latents);
    Table table(example_columns(at.row)), head(example_columns(at.row));
    for (size_t i = 0; i < wanted; ++i) {
      const LatentSummary& latent = latents[order[i]];
      int64_t rank = 0;
      for (const Example& example : latent.examples) {
        ++rank;
        table.add(example_row(latent, example, rank, SIZE_MAX, at));
        if (i < kExamplesShown) head.add(example_row(latent, example, rank, kResiduesShown, at));
      }
    }
    TableRef ref = context.write(
        "latent_examples.tsv",
        "Where the " + first() + " fire: the sequences in which each is strongest.", table, 0);
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
