// The kernel's normalisers, by family, and the names that stand for one with its parameters.
#pragma once

#include <optional>
#include <string>

#include "facet/plugin.h"

namespace facet {

/// Registers layer_norm and its named forms.
void add_layer_norms(Registry& registry);
/// The table that a named form of layer_norm stands for ("routesae": layer_norm with eps 1e-6);
/// nothing when `name` is no such form.
std::optional<Value> layer_norm_of(const std::string& name);

/// Registers mean and expected_average, which look at rows before the first step.
void add_fitted_normalisers(Registry& registry);
/// Registers whitening, which looks at rows too.
void add_whitening(Registry& registry);
/// Registers constant_norm.
void add_constant_norm(Registry& registry);

}  // namespace facet
