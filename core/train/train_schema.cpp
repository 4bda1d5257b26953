// The fields of [train]: help, limits, and what a peer's name stands for.
#include "train/evaluations.h"
#include "train/firing.h"
#include "train/optimiser.h"
#include "train/peers.h"
#include "train/trainer.h"

namespace facet {

Schema<TrainParams> train_schema() {
  using P = TrainParams;
  return with_evaluation_fields(
      Schema<P>()
          .field("compat", &P::compat,
                 "Stands for the settings of a peer's trainer; keys that are set win.",
                 one_of(peers()))
          .presets("compat", train_presets())
          .field("steps", &P::steps, "Length of the training.", at_least(1), unit("steps"))
          .field("total_rows", &P::total_rows, "Length of the training.", at_least(1), unit("rows"))
          .field("epochs", &P::epochs, "Length of the training: passes over the data.", at_least(1),
                 unit("epochs"))
          .field("batch", &P::batch, "Rows of one step.", at_least(1), unit("rows"))
          .field(
              "accumulate", &P::accumulate,
              "Parts of a batch that are worked through one after the other, their gradients added "
              "up: less memory. Losses that look at a whole batch (batch_topk, auxk) look at a "
              "part.",
              at_least(1))
          .field(
              "precision", &P::precision,
              "bf16: matrix products of the forward pass are of bf16 numbers; weights, losses and "
              "the optimiser stay fp32.",
              one_of({"fp32", "bf16"}))
          .field("kernels", &P::kernels,
                 "How a step is worked out: sparse leaves out what cannot matter (latents that are "
                 "not among the k largest, gradients of rows that did not fire); plain multiplies "
                 "everything out, to compare with. They differ by the rounding of sums.",
                 one_of({"sparse", "plain"}))
          .field(
              "end_to_end", &P::end_to_end,
              "A loss of the host with the SAE in it, instead of the SAE's error: kl between the "
              "host's predictions with and without, or ce of the tokens. Needs whole sequences: "
              "rows come in their order, not shuffled.",
              one_of({"none", "kl", "ce"}))
          .field("end_to_end_coefficient", &P::end_to_end_coefficient,
                 "Weight of that loss, already inside the loss that is reported.", above(0))
          .field("end_to_end_error", &P::end_to_end_error,
                 "Keep the SAE's own error, the first of its losses, beside it.")
          .field("lr", &P::lr, "Learning rate between rise and fall.", above(0))
          .field("warmup", &P::warmup, "Share of the steps over which the learning rate rises.",
                 between(0, 1))
          .field("warmup_from", &P::warmup_from,
                 "Where the learning rate begins to rise: at one stair of the rise, or at zero.",
                 one_of({"stair", "zero"}))
          .field("sparsity_warmup", &P::sparsity_warmup,
                 "Share of the steps over which the weight of sparsity losses rises from 0.",
                 between(0, 1))
          .field("decay", &P::decay,
                 "Share of the steps, at the end, over which the learning rate falls.",
                 between(0, 1))
          .field(
              "schedule", &P::schedule,
              "Between rise and fall the learning rate stays (linear), or falls to lr_end along a "
              "cosine, once or in lr_cycles.",
              one_of({"linear", "cosine"}))
          .field("lr_end", &P::lr_end, "With a cosine: its end, as a share of lr.", between(0, 1))
          .field("lr_cycles", &P::lr_cycles, "With a cosine: how often it starts anew.",
                 at_least(1))
          .field("steps_per_schedule", &P::steps_per_schedule,
                 "The learning rate and the weight of sparsity losses move on once in so many "
                 "steps (RouteSAE's MLSAE: once for all hookpoints of activations.layers_as = "
                 "turns).",
                 at_least(1), unit("steps"))
          .field(
              "lr_scale", &P::lr_scale,
              "What lr is multiplied with: nothing, or sqrt(2^14 / d_sae), less for more latents "
              "(dictionary_learning, sparsify, OpenSAE).",
              one_of({"none", "latents"}))
          .field(
              "optimiser", &P::optimiser,
              "What moves parameters along their gradients: adam (AdamW with weight_decay), signum "
              "(signs of gradients, schedule-free), or muon (orthogonal steps for matrices, Adam "
              "for the rest).",
              one_of(optimiser_words()))
          .field(
              "momentum", &P::momentum,
              "With signum: how near gradients are taken to the mean of the steps. With muon: the "
              "decay of its momentum.",
              between(1e-6, 0.9999999))
          .field(
              "vector_warmup", &P::vector_warmup,
              "With muon: share of the steps over which the learning rate of what is not a matrix "
              "rises, from zero.",
              between(0, 1))
          .field("beta1", &P::beta1, "Adam's decay of the first moment.", between(0, 0.9999999))
          .field("beta2", &P::beta2, "Adam's decay of the second moment.", between(0, 0.9999999))
          .field("eps", &P::eps, "Adam's guard against division by 0.", above(0))
          .field("weight_decay", &P::weight_decay,
                 "Each step takes lr times this share from every parameter (AdamW), with muon from "
                 "every "
                 "matrix; 0: nothing.",
                 at_least(0))
          .field("clip", &P::clip, "Largest norm of the whole gradient; 0: off.", at_least(0))
          .field("clip_first", &P::clip_first,
                 "Limit the gradient before the SAE takes parts out of it, not after.")
          .field("keep_gradients", &P::keep_gradients,
                 "Never clear gradients, so that they add up over the steps: OpenAI's loop as "
                 "published, for comparison only.")
          .field("dead_counted", &P::dead_counted,
                 "Whether a step's dead latents are known before or after its firing is counted.",
                 one_of({"before", "after"}))
          .field(
              "dead_after_rows", &P::dead_after_rows,
              "A latent that has not fired for so long is dead; 0 here and in dead_after_steps: a "
              "tenth "
              "of the run.",
              at_least(0), unit("rows"))
          .field("dead_after_steps", &P::dead_after_steps,
                 "The same in steps, when dead_after_rows is 0.", at_least(0), unit("steps"))
          .field(
              "fired_if", &P::fired_if,
              "When a latent counts as fired: its value is above fired_above, is not 0, or it was "
              "selected, even as 0.",
              one_of(fired_if_words()))
          .field("fired_above", &P::fired_above,
                 "With fired_if = above: the value that is not enough.", at_least(0))
          .field(
              "revive_every", &P::revive_every,
              "How often dead latents begin anew from rows that come back badly; the learning rate "
              "then rises again. 0: never.",
              at_least(0), unit("steps"))
          .field("skip_spikes", &P::skip_spikes,
                 "A step whose loss exceeds so many times the mean of the last 100 changes "
                 "nothing; 0: "
                 "off.",
                 at_least(0))
          .field("normalise_rows", &P::normalise_rows, "Rows that the normaliser looks at.",
                 at_least(1), unit("rows"))
          .field("log_every", &P::log_every, "How often metrics are recorded.", at_least(1),
                 unit("steps"), outside_identity)
          .field("checkpoint_every", &P::checkpoint_every,
                 "How often a checkpoint is written; 0: only at a stop.", at_least(0),
                 unit("steps"), outside_identity)
          .check(
              [](const P& p) { return (p.steps > 0) + (p.total_rows > 0) + (p.epochs > 0) == 1; },
              "exactly one of steps, total_rows, epochs must be set")
          .check([](const P& p) -> std::string {
            if (p.total_rows == 0 || p.batch <= p.total_rows) return "";
            return "batch: " + exceeds(p.batch, "total_rows", p.total_rows);
          })
          .check([](const P& p) -> std::string {
            return p.accumulate <= p.batch
                       ? ""
                       : "accumulate: " + exceeds(p.accumulate, "batch", p.batch);
          })
          .check([](const P& p) { return p.fired_above == 0 || p.fired_if == "above"; },
                 "fired_above needs fired_if = \"above\"")
          .check([](const P& p) { return p.end_to_end == "none" || p.precision == "fp32"; },
                 "end_to_end needs precision = \"fp32\"")
          .check([](const P& p) { return p.skip_spikes == 0 || p.skip_spikes > 1; },
                 "skip_spikes must be above 1, or 0")
          .check([](const P& p) { return p.warmup + p.decay <= 1; },
                 "warmup and decay must not exceed 1 together")
          .check([](const P& p) { return p.optimiser != "signum" || p.weight_decay == 0; },
                 "weight_decay: signum has none")
          .check([](const P& p) -> std::string {
            if (p.dead_after_rows == 0 || p.dead_after_steps == 0) return "";
            return "dead_after_steps: is " + std::to_string(p.dead_after_steps) +
                   ", but dead_after_rows is " + std::to_string(p.dead_after_rows) +
                   ": one of them should be 0";
          }));
}

}  // namespace facet
