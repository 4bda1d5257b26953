// The part of LibTorch's C++ interface that facet's sources and plugins use. Sources include it
// second, after their own header; headers do not include it.
#pragma once

#include <torch/types.h>
