// The instruction sets that the loops of tiles.h are compiled for.
#pragma once

namespace facet::layers {

/// AVX2 with FMA; AVX-512 F, BW, DQ and VL.
enum class Vectors { none = 1, avx2, avx512 };

/// The widest that this processor has.
Vectors vectors_here();

}  // namespace facet::layers
