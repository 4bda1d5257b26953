// Asks the processor once.
#include "vectors_here.h"

namespace facet::layers {

Vectors vectors_here() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const Vectors vectors = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx2 && avx512 ? Vectors::avx512 : avx2 ? Vectors::avx2 : Vectors::none;
  }();
  return vectors;
#else
  return Vectors::none;
#endif
}

}  // namespace facet::layers
