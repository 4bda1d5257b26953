// The tensors of Rows, for what is done to each of them alike.
#pragma once

#include "facet/rows.h"

namespace facet {

inline constexpr Tensor Rows::*kRowMembers[] = {&Rows::x, &Rows::sequence, &Rows::position,
                                                &Rows::token, &Rows::flag};

}  // namespace facet
