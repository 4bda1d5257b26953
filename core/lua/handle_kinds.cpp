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
        {"hookpoints", "string[]", "Every place where its rows can be read."}}},
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
        {"target", "string[]", "Those of the target; none: it is the rows themselves."}}},
      {"sae",
       "A sparse autoencoder.",
       {{"name", "string", "Its `name` in [sae] or [[baseline]]; empty: the only one."},
        {"type", "string", "Its architecture."},
        {"d_sae", "integer", "Number of latents."},
        {"d_in", "integer", "Width of the rows it reads."},
        {"stream", "string", "The `name` of the rows it was made for."},
        {"folder", "string", "Where its weights lie; empty: it is not trained yet."}}},
      {"codes",
       "What an SAE said of every row.",
       {{"rows", "integer", "Number of rows."},
        {"d_sae", "integer", "Number of latents."},
        {"key", "string", "Hash of all that decides them."}}},
  };
  return kinds;
}

}  // namespace facet::lua
