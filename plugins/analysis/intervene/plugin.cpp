// The analyses of this folder: interventions and attributions in a live host.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "attribution.h"
#include "intervene.h"
#include "logit_attribution.h"

using namespace facet;

FACET_PLUGIN("facet.analysis.intervene", FACET_VERSION) {
  registry.add_analysis<intervene::Intervene>(
      "intervene", "What changes in the host when latents are edited, beside random directions.",
      intervene::intervene_schema());
  registry.add_analysis<intervene::LogitAttribution>(
      "logit_attribution", "Which latents speak for a token: the parts of a logit.",
      intervene::logit_attribution_schema());
  registry.add_analysis<intervene::Attribution>(
      "attribution", "What each latent at each token does to a difference of logits.",
      intervene::attribution_schema());
}
