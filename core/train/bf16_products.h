// Bf16Products: matrix products of bf16 numbers while it lives.
#pragma once

#include <ATen/autocast_mode.h>

namespace facet {

/// LibTorch's autocast of this thread. ops::encode_topk asks for it too.
class Bf16Products {
 public:
  explicit Bf16Products(at::DeviceType device)
      : device_(device),
        was_on_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Bf16Products() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_dtype(device_, dtype_);
    at::autocast::set_autocast_enabled(device_, was_on_);
  }
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

 private:
  at::DeviceType device_;
  bool was_on_;
  at::ScalarType dtype_;
};

}  // namespace facet
