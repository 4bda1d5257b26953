// Compiles and matches with PCRE2, its just-in-time compiler where there is one.
#include "expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <facet/error.h>
#include <pcre2.h>

#include <array>

#include "utf8.h"

namespace facet::layers {

namespace {

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text = {};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// What of an expression means one thing to Oniguruma and another to PCRE2; "" when nothing does.
std::string read_otherwise(std::string_view pattern) {
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view two = pattern.substr(i, 2);
    if (pattern[i] == '\\') {
      if (two.size() == 2 && std::string_view("wWbBhHRX").find(two[1]) != std::string_view::npos)
        return std::string(two);
      ++i;
    } else if (in_class && (pattern[i] == '[' || two == "&&")) {
      return std::string(pattern[i] == '[' ? "[" : "&&") + " in a class";
    } else if (pattern[i] == '[') {
      in_class = true;
    } else if (pattern[i] == ']') {
      in_class = false;
    }
  }
  return "";
}

}  // namespace

struct Expression::Compiled {
  std::string where, pattern;
  pcre2_code* code = nullptr;

  Compiled(std::string_view pattern_, const std::string& where_)
      : where(where_), pattern(pattern_) {
    if (const std::string what = read_otherwise(pattern); !what.empty())
      throw UserError(where + ": has " + what + ", which Oniguruma and PCRE2 read differently");
    const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
        pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                         PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get());
    if (!code)
      throw UserError(where + ": does not compile: " + pcre2_message(error) + " at offset " +
                      std::to_string(offset) + " of \"" + pattern + "\"");
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it matching is slower, and the same
  }
  ~Compiled() { pcre2_code_free(code); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

struct Expression::Search::Found {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);

  Found() = default;
  ~Found() { pcre2_match_data_free(data); }
  Found(const Found&) = delete;
  Found& operator=(const Found&) = delete;
};

Expression::Expression(std::string_view pattern, const std::string& where)
    : compiled_(std::make_shared<const Compiled>(pattern, where)) {}

Expression::Search::Search(const Expression& expression, std::string_view text)
    : compiled_(*expression.compiled_), text_(text), found_(std::make_unique<Found>()) {}
Expression::Search::~Search() = default;

std::optional<Expression::Search::Match> Expression::Search::next() {
  while (from_ <= text_.size()) {
    const auto match = [&](uint32_t options) {
      return pcre2_match(compiled_.code, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(),
                         from_, PCRE2_NO_UTF_CHECK | options, found_->data, nullptr);
    };
    int result = match(0);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);  // has its own heap
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0)
      throw UserError(compiled_.where + ": \"" + compiled_.pattern + "\" gave up at byte " +
                      std::to_string(from_) + ": " + pcre2_message(result));
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(found_->data);
    const Match now = {ends[0], ends[1]};
    if (now.begin == now.end && last_end_ == now.end) {
      if (from_ >= text_.size()) break;
      next_code_point(text_, from_);
      continue;
    }
    from_ = now.end;
    last_end_ = now.end;
    return now;
  }
  from_ = text_.size() + 1;
  return std::nullopt;
}

}  // namespace facet::layers
