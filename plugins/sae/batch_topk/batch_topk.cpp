// batch_topk: a batch of n rows keeps its n * k largest activations, wherever they are. Source:
// Bussmann, Leask and Nanda 2024, arXiv:2412.06410; the forms of its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "batch_sae.h"

using namespace facet;

namespace {

struct BatchTopKParams : BatchForm {
  std::string compat = "none";
};

Schema<BatchTopKParams> schema() {
  using P = BatchTopKParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(batch_peer_forms())))
      .presets("compat", batch_peer_forms());
  return add_batch_fields(schema);
}

class BatchTopK final : public BatchSae {
 public:
  BatchTopK(const BatchTopKParams& p, const Shape& shape, Init& init)
      : BatchSae("batch_topk", p, shape, init) {}
};

}  // namespace

FACET_PLUGIN("facet.sae.batch_topk", FACET_VERSION) {
  registry.add_sae<BatchTopK>(
      "batch_topk", "The largest activations of a whole batch (arXiv:2412.06410).", schema());
}
