// Edits of latents as a script lists them: { { latent = 12, set = 4.0 } }.
#pragma once

#include <string>
#include <vector>

#include "facet/codes.h"
#include "facet/value.h"

namespace facet {

enum class LatentEditKind { set = 1, add, subtract, multiply, divide, ablate, add_direction };

struct LatentEdit {
  int64_t latent = 0;
  LatentEditKind kind = LatentEditKind::set;
  double amount = 0;
};

/// A list of tables, each with `latent` and one of set, add, subtract, multiply, divide,
/// add_direction (numbers) or ablate = true; ascending by latent. UserError that begins with
/// `where`, all problems at once.
std::vector<LatentEdit> latent_edits(const Value& list, int64_t d_sae, const std::string& where);

/// z' - z of the latents in `edits`, in every row; ascending by latent. None adds a direction.
Codes change_of(const Codes& codes, const std::vector<LatentEdit>& edits);

/// UserError "WHERE: latent: is 99, should be 0 .. 63 (d_sae is 64)".
void check_latent(int64_t latent, int64_t d_sae, const std::string& where);

}  // namespace facet
