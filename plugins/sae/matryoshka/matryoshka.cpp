// matryoshka: nested dictionaries, of which the first latents alone must reconstruct a row, then
// more of them; chosen over a batch as in batch_topk. Source: Bussmann, Nabeshima, Karvonen and
// Nanda 2025, arXiv:2503.17547; the forms of its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "facet/ops.h"
#include "levels.h"

using namespace facet;

namespace {

// What batch_topk has, and: source: SAELens 6.54.12 (matryoshka_batchtopk_sae.py),
// dictionary_learning 0.1.0 (trainers/matryoshka_batch_top_k.py), matryoshka_sae c7c5787 (sae.py)
std::map<std::string, Value> peer_forms() {
  std::map<std::string, Value> out = batch_peer_forms();
  out.at("dictionary_learning").set("level_sum", "mean_of_shares");
  Value& original = out.at("bussmann");
  original.set("level_sum", "mean");
  original.set("bias_level", true);
  original.set("threshold_from", "zero");
  return out;
}

Schema<MatryoshkaParams> schema() {
  using P = MatryoshkaParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("widths", &P::widths,
             "How many of the first latents each level has, rising; d_sae is added where it is "
             "missing. Empty: by fractions.")
      .field("fractions", &P::fractions,
             "The share of latents that each level has beyond the one before it, rounded down; the "
             "last has the rest.")
      .field("level_sum", &P::level_sum,
             "How errors of levels are brought together: added, their mean, or the mean of errors "
             "that weigh 1 / levels already (dictionary_learning).",
             one_of(level_sum_words()))
      .field("level_weights", &P::level_weights,
             "What the error of each level weighs besides; empty: 1.")
      .field("bias_level", &P::bias_level, "A level before the first: b_dec alone (the originals).")
      .field("level_aux", &P::level_aux,
             "auxk by levels: dead latents of each learn what their level leaves over (SAELens' "
             "use_matryoshka_aux_loss).")
      .check([](const P& p) { return problem_of_levels(p); });
  return add_batch_fields(schema);
}

// Entries of the latents from `from` up to `to`, for as many rows.
Codes entries_between(const Codes& codes, int64_t from, int64_t to) {
  const Tensor in = codes.latent.ge(from).logical_and(codes.latent.lt(to));
  const Tensor place = in.nonzero().flatten();
  Codes out;
  out.start =
      at::cat({at::zeros({1}, codes.start.options()), in.cumsum(0)}).index_select(0, codes.start);
  out.latent = codes.latent.index_select(0, place);
  out.value = codes.value.index_select(0, place);
  out.d_sae = codes.d_sae;
  return out;
}

class Matryoshka final : public BatchSae {
 public:
  Matryoshka(const MatryoshkaParams& p, const Shape& shape, Init& init)
      : BatchSae("matryoshka", p, shape, init), levels_(levels_of(p)), level_aux_(p.level_aux) {}

 private:
  // The pass with what the level reconstructs, from the narrowest to the widest.
  template <class Use>
  void for_each_level(const Pass& pass, const Use& use) const {
    const Tensor &x = pass.notes.at("input"), rows = decoder_rows();
    Pass level = pass;
    Tensor output = silent_output(x).expand_as(pass.output.select(1, 0));  // [n, d]
    int64_t from = 0;
    for (const NestedLevel& one : levels_) {
      const bool whole = one.width == d_sae();
      if (one.width > from && !whole)
        output = output + ops::decode(entries_between(pass.codes, from, one.width), rows, Tensor());
      level.output = whole ? pass.output : output.unsqueeze(1);
      use(one, from, level);
      from = one.width;
    }
  }

  // One term a level: of the whole dictionary under the error's name, of others with their width.
  Losses errors(const Pass& pass, const Step& step) override {
    Losses out;
    for_each_level(pass, [&](const NestedLevel& level, int64_t, const Pass& part) {
      Loss loss = error(part, step);
      if (level.weight != 1) loss.value = loss.value * level.weight;
      if (level.width < d_sae()) loss.name += "_" + std::to_string(level.width);
      out.push_back(std::move(loss));
    });
    std::rotate(out.begin(), out.end() - 1, out.end());
    return out;
  }

  void add_terms_of_dead(Losses& losses, const Pass& pass, const Step& step) const override {
    if (!level_aux_ || !step.dead.defined()) return add_dead_terms(losses, pass, step);
    Losses all;
    for_each_level(pass, [&](const NestedLevel& level, int64_t from, const Pass& part) {
      Step own = step;
      own.dead = at::zeros_like(step.dead);
      own.dead.slice(0, from, level.width).copy_(step.dead.slice(0, from, level.width));
      add_dead_terms(all, part, own);
    });
    for (Loss& loss : all) {
      const auto there = std::find_if(losses.begin(), losses.end(),
                                      [&](const Loss& one) { return one.name == loss.name; });
      if (there == losses.end())
        losses.push_back(std::move(loss));
      else
        there->value = there->value + loss.value;
    }
  }

  std::vector<NestedLevel> levels_;
  bool level_aux_;
};

}  // namespace

FACET_PLUGIN("facet.sae.matryoshka", FACET_VERSION) {
  registry.add_sae<Matryoshka>(
      "matryoshka", "Nested dictionaries, chosen over a batch (arXiv:2503.17547).", schema());
}
