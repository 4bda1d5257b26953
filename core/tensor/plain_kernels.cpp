// What each thread wants.
#include "tensor/plain_kernels.h"

namespace facet {
namespace {

thread_local bool plain_wanted = false;

}  // namespace

PlainKernels::PlainKernels(bool wanted) : before_(plain_wanted) { plain_wanted = wanted; }
PlainKernels::~PlainKernels() { plain_wanted = before_; }
bool PlainKernels::wanted() { return plain_wanted; }

}  // namespace facet
