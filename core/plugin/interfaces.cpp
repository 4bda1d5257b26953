// The out-of-line destructors of what analyses implement and use: one vtable and typeid for all
// plugins.
#include "facet/analysis.h"

namespace facet {

Analysis::~Analysis() = default;
Context::~Context() = default;
Journal::~Journal() = default;

}  // namespace facet
