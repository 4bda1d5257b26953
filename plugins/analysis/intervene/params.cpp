// Fields of intervene, and what must hold between them.
#include "params.h"

#include <facet/splice.h>

#include <algorithm>

#include "edits.h"
#include "positions.h"

using namespace facet;

namespace intervene {
namespace {

using P = InterveneParams;

void add_edit_fields(Schema<P>& schema) {
  schema.field("latents", &P::latents, "Latents that are edited, from 0, each by itself.", required)
      .field("together", &P::together, "All of them in one edit.")
      .field("edit", &P::edit,
             "What happens to a latent's value: set, add, subtract, multiply or divide it by the "
             "amount, or ablate it (0); or amount times its row of W_dec is added to the host's "
             "row (add_direction), or amount times the row's own norm in that direction "
             "(add_direction_relative).",
             required, one_of(edit_words()))
      .field("amounts", &P::amounts, "One edit for each: the dose curve. Ablation has none.")
      .field("only_active", &P::only_active, "A value that is 0 stays 0.")
      .field("positions", &P::positions,
             "Tokens that are edited: all, not_first, last (of each pass: under generation the "
             "newest), prompt, or a list of positions from 0.")
      .field("specials", &P::specials, "Tokens that the host added (BOS, <cls>) are edited, too.")
      .field("error_term", &P::error_term,
             "What the SAE leaves over is added back, so that only the edit changes the host; "
             "false: edited rows are what the SAE decodes.")
      .field("splice_from", &P::splice_from,
             "What is spliced where a hookpoint before it was spliced as well (see kl_eval).",
             one_of(splice_from_words()))
      .field("at", &P::at, "Only at these of the SAE's hookpoints; none: at all.");
}

void add_measure_fields(Schema<P>& schema) {
  schema.field("prompts", &P::prompts, "Texts that are tried; none: the records of `data`.")
      .field("most_prompts", &P::most_prompts, "Records that are tried, the first ones.",
             at_least(1))
      .field("watch", &P::watch,
             "Tokens, as text (\" Paris\"), whose logit and log-probability are followed: at the "
             "last token of a causal host, at the infilled ones of another.")
      .field("controls", &P::controls,
             "Random directions, as long as the latent's, that the same edit is made along; "
             "0: none.",
             at_least(0))
      .field("generate", &P::generate, "New tokens that each prompt goes on with; 0: none.",
             at_least(0), unit("tokens"))
      .field("temperature", &P::temperature, "0: the most likely token.", at_least(0))
      .field("top_p", &P::top_p, "Draws among the fewest tokens that hold this share.", above(0),
             at_most(1))
      .field("infill", &P::infill,
             "Of a masked language model: positions from 0 that are masked and guessed.");
}

std::string amounts_problem(const P& p) {
  if (p.edit == "ablate")
    return p.amounts.empty() ? "" : "amounts: ablate takes none, should be left out";
  if (p.amounts.empty()) return "amounts: is empty, should have an amount for \"" + p.edit + "\"";
  const bool zero = std::find(p.amounts.begin(), p.amounts.end(), 0.0) != p.amounts.end();
  return p.edit == "divide" && zero ? "amounts: has 0, by which nothing is divided" : "";
}

std::string direction_problem(const P& p) {
  if (!is_direction(edit_kind(p.edit))) return "";
  if (p.only_active)
    return "only_active: \"" + p.edit + "\" codes no row, should be with an edit of values";
  return p.error_term ? "" : "error_term: \"" + p.edit + "\" decodes no row, should be true";
}

}  // namespace

Schema<InterveneParams> intervene_schema() {
  Schema<P> schema;
  add_measure_fields(schema);
  add_edit_fields(schema);
  schema.check([](const P& p) { return p.latents.empty() ? "latents: is empty" : std::string(); })
      .check(amounts_problem)
      .check([](const P& p) { return positions_problem(p.positions); })
      .check(direction_problem)
      .check([](const P& p) -> std::string {
        const bool bad =
            std::any_of(p.infill.begin(), p.infill.end(), [](int64_t at) { return at < 0; });
        return bad ? "infill: has a position below 0" : "";
      });
  return schema;
}

}  // namespace intervene
