// Writes JSON in the order and the layout of Python's json module.
#include "route_files.h"

#include <charconv>
#include <cmath>
#include <string_view>

using namespace facet;

namespace {

std::string quoted(const std::string& text) { return emit_json(Value(text)); }

// Of one context: its members stand six levels deep.
std::string emit_context(const ClassContext& context) {
  return "    {\n     \"activation\": " + python_number(context.value) +
         ",\n     \"context\": " + quoted(context.text) + "\n    }";
}

std::string emit_class(const std::string& name, const std::vector<ClassContext>& contexts) {
  std::string out = "   " + quoted(name) + ": [\n";
  for (size_t i = 0; i < contexts.size(); ++i)
    out += (i > 0 ? ",\n" : "") + emit_context(contexts[i]);
  return out + "\n   ]";
}

}  // namespace

std::string python_number(double value) {
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  const std::string out(text, end);
  return fixed && out.find('.') == std::string::npos ? out + ".0" : out;
}

void RouteContexts::add(int64_t latent, const ClassMap& classes) {
  map_ +=
      (latents_++ > 0 ? ",\n" : "\n") + std::string("  \"") + std::to_string(latent) + "\": {\n";
  bool first = true;
  for (const auto& [name, contexts] : classes) {
    map_ += (first ? "" : ",\n") + emit_class(name, contexts);
    first = false;
  }
  map_ += "\n  }";
}

std::string RouteContexts::file(const RouteHeading& heading) const {
  return "{\n \"model\": " + quoted(heading.model) +
         ",\n \"total_latents\": " + std::to_string(latents_) +
         ",\n \"threshold\": " + python_number(heading.threshold) +
         ",\n \"max_length\": " + std::to_string(heading.max_length) +
         ",\n \"max_per_token\": " + std::to_string(heading.max_per_token) +
         ",\n \"lines\": " + std::to_string(heading.lines) + ",\n \"latent_context_map\": {" +
         map_ + (latents_ > 0 ? "\n }" : "}") + "\n}";
}

void RouteSequences::add(int64_t latent, const std::vector<TopSequence>& sequences) {
  if (sequences.empty()) return;
  members_ += (members_.empty() ? "\"" : ", \"") + std::to_string(latent) + "\": [";
  for (size_t i = 0; i < sequences.size(); ++i) {
    const TopSequence& one = sequences[i];
    members_ += (i > 0 ? ", " : "") + std::string("{\"sequence\": ") +
                std::to_string(one.sequence) + ", \"max_activation\": " + python_number(one.value) +
                ", \"position\": " + std::to_string(one.position) +
                ", \"n_active\": " + std::to_string(one.active) + "}";
  }
  members_ += "]";
}

std::string top_sequences_file(const RouteSequences& pads_included,
                               const RouteSequences& real_tokens) {
  return "{\"pads_included\": {" + pads_included.members() + "}, \"real_tokens\": {" +
         real_tokens.members() + "}}";
}
