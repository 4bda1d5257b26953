// Events of one SAE among several: each carries the SAE's name.
#pragma once

#include <string>

#include "facet/event.h"

namespace facet {

/// Hands every event on with `sae` = name among its fields; unchanged when the name is empty.
class OfSae : public EventSink {
 public:
  OfSae(EventSink& sink, std::string name) : sink_(sink), name_(std::move(name)) {}
  void emit(const Event& event) override {
    Event named = event;
    if (!name_.empty()) named.fields.set("sae", name_);
    sink_.emit(named);
  }

 private:
  EventSink& sink_;
  std::string name_;
};

}  // namespace facet
