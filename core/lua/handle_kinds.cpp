// Body of the kinds of handles.
#include "lua/handle_kinds.h"

namespace facet::lua {

const std::vector<HandleKind>& handle_kinds() {
  static const std::vector<HandleKind> kinds = {
      {"host",
       "A host model.",
       {{"type", "string", "Its `type` in [host]."},
        {"layers", "integer", "Number of blocks."},
        {"d_model", "integer", "Width of its hidden states."},
        {"vocabulary", "integer", "Number of tokens."},
        {"context", "integer", "Tokens it can read at once; 0: no limit."},
        {"hookpoints", "string[]", "Every place where its rows can be read."},
        {"read", "fun(self: facet.Host, keys: { text: string, hookpoints: string[] }): facet.Block",
         "Its rows of one text."}}},
      {"data",
       "Records to read. Only where [data] has a split:",
       {{"train", "facet.Data", "The part to train on."},
        {"eval", "facet.Data", "The part that is held out."}}},
      {"activations",
       "Rows of a host at its hookpoints.",
       {{"name", "string", "Its `name` in [[activations]]; empty: the only one."},
        {"d_in", "integer", "Width of a row."},
        {"points", "integer", "Number of hookpoints in a row."},
        {"hookpoints", "string[]", "The hookpoints, by their canonical names."},
        {"target", "string[]", "Those of the target; none: it is the rows themselves."},
        {"take", "fun(self: facet.Activations, rows: integer): facet.Block", "The first rows."}}},
      {"sae",
       "A sparse autoencoder.",
       {{"name", "string", "Its `name` in [sae] or [[baseline]]; empty: the only one."},
        {"type", "string", "Its architecture."},
        {"d_sae", "integer", "Number of latents."},
        {"d_in", "integer", "Width of the rows it reads."},
        {"stream", "string", "The `name` of the rows it was made for."},
        {"folder", "string", "Where its weights lie; empty: it is not trained yet."},
        {"encode", "fun(self: facet.Sae, rows: facet.Block, options?: { all?: boolean }): table",
         "The codes of rows in memory: a list, latent -> value each."},
        {"decode", "fun(self: facet.Sae, codes: table, rows?: facet.Block): number[][]",
         "What codes stand for, in the host's units."},
        {"loss", "fun(self: facet.Sae, rows: facet.Block): table<string, number>",
         "Each of its losses on rows in memory, unweighted."},
        {"bind",
         "fun(self: facet.Sae, host: facet.Host, hookpoint?: string, options?: { prompt_only?: "
         "boolean, error_term?: boolean, on_codes?: fun(codes: table, row: table) }): facet.Bound",
         "Splices it into a host."}}},
      {"codes",
       "What an SAE said of every row.",
       {{"rows", "integer", "Number of rows."},
        {"d_sae", "integer", "Number of latents."},
        {"key", "string", "Hash of all that decides them."}}},
      {"block",
       "Rows in memory, from host:read or activations:take.",
       {{"rows", "integer", "Number of rows."},
        {"points", "integer", "Number of hookpoints in a row."},
        {"d_in", "integer", "Width of a row."},
        {"tokens", "string[]", "The token that each row is of; none: a known dictionary."}}},
      {"bound",
       "An SAE spliced into a host, from sae:bind.",
       {{"hookpoint", "string", "Where, by its canonical name."},
        {"logits", "fun(self: facet.Bound, keys: { prompt: string, top?: integer }): table[]",
         "The most likely next tokens: token, id, logit, log_probability each."},
        {"generate",
         "fun(self: facet.Bound, keys: { prompt: string, max_tokens?: integer, temperature?: "
         "number, top_p?: number, seed?: integer }): string",
         "How the host goes on."}}},
  };
  return kinds;
}

}  // namespace facet::lua
