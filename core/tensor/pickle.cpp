// Opcode by opcode. source: CPython 3.11, Lib/pickletools.py
#include "tensor/pickle.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "facet/error.h"

namespace facet {
namespace {

struct KnownName {
  const char* module;
  const char* name;
  bool called;  // else it is the kind of a storage
};
constexpr KnownName kKnownNames[] = {
    {"torch._utils", "_rebuild_tensor_v2", true},
    {"torch._utils", "_rebuild_parameter", true},
    {"collections", "OrderedDict", true},
    {"torch", "FloatStorage", false},
    {"torch", "DoubleStorage", false},
    {"torch", "HalfStorage", false},
    {"torch", "BFloat16Storage", false},
    {"torch", "LongStorage", false},
    {"torch", "IntStorage", false},
    {"torch", "ShortStorage", false},
    {"torch", "CharStorage", false},
    {"torch", "ByteStorage", false},
    {"torch", "BoolStorage", false},
};

bool is_called(const PickleName& name) {
  for (const KnownName& known : kKnownNames)
    if (name.module == known.module && name.name == known.name) return known.called;
  return false;
}

std::string shown_name(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string out;
  for (const char c : text.substr(0, kLongest)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

class PickleReader {
 public:
  PickleReader(Pickle& pickle, std::string_view bytes, const std::string& where)
      : pickle_(pickle), bytes_(bytes), where_(where) {}

  void read() {
    while (step(static_cast<unsigned char>(take(1).front()))) {
    }
    if (at_ != bytes_.size()) damaged("goes on behind its end");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw UserError(where_ + ": " + what); }
  [[noreturn]] void damaged(const std::string& what) const {
    refuse("damaged: its pickle " + what + " at byte " + std::to_string(at_));
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) damaged("is cut short");
    const std::string_view out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }
  uint64_t number(int bytes) {
    uint64_t out = 0;
    int place = 0;
    for (const char c : take(static_cast<uint64_t>(bytes)))
      out |= static_cast<uint64_t>(static_cast<unsigned char>(c)) << (8 * place++);
    return out;
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) damaged("is cut short");
    const std::string_view out = take(end - at_);
    take(1);
    return out;
  }

  template <class T>
  void push(T value) {
    stack_.push_back(PickleNode{value});
  }
  PickleNode pop() {
    if (stack_.size() <= lowest()) damaged("takes what is not there");
    const PickleNode out = stack_.back();
    stack_.pop_back();
    return out;
  }
  // Nothing above a mark is reached without it.
  size_t lowest() const { return marks_.empty() ? 0 : marks_.back(); }
  std::vector<PickleNode> pop_to_mark() {
    if (marks_.empty()) damaged("has no mark");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleNode> out(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return out;
  }
  PickleItems* made(bool table, std::vector<PickleNode> items) {
    pickle_.items_.push_back({table, std::move(items)});
    return &pickle_.items_.back();
  }
  // The table or list that items are added to.
  PickleItems& target(bool table) {
    if (stack_.size() <= lowest()) damaged("takes what is not there");
    auto* const* items = std::get_if<PickleItems*>(&stack_.back().data);
    if (!items || (*items)->table != table) damaged("adds to what is no list or table");
    return **items;
  }
  void extend(bool table, const std::vector<PickleNode>& with) {
    if (table && with.size() % 2 != 0) damaged("has a key without a value");
    PickleItems& into = target(table);
    into.items.insert(into.items.end(), with.begin(), with.end());
  }

  void remember(uint64_t as) {
    if (stack_.size() <= lowest()) damaged("remembers what is not there");
    memo_[as] = stack_.back();
  }
  void recall(uint64_t what) {
    const auto found = memo_.find(what);
    if (found == memo_.end()) damaged("recalls what it never had");
    stack_.push_back(found->second);
  }

  void ask_for(std::string_view module, std::string_view name) {
    for (const KnownName& known : kKnownNames)
      if (module == known.module && name == known.name) return push(PickleName{module, name});
    refuse("asks for " + shown_name(module) + "." + shown_name(name) +
           ": only tensors are read, no code is run");
  }
  void call() {
    const PickleNode with = pop(), what = pop();
    const auto* name = std::get_if<PickleName>(&what.data);
    auto* const* arguments = std::get_if<PickleItems*>(&with.data);
    if (!name || !is_called(*name) || !arguments || (*arguments)->table)
      damaged("calls what cannot be called");
    if (name->name == "OrderedDict") {
      if (!(*arguments)->items.empty()) damaged("makes an OrderedDict of something");
      return push(made(true, {}));
    }
    pickle_.calls_.push_back({*name, *arguments});
    push(static_cast<const PickleCall*>(&pickle_.calls_.back()));
  }
  // A module's state_dict has an attribute that says versions of its layers.
  void build() {
    const PickleNode state = pop();
    auto* const* given = std::get_if<PickleItems*>(&state.data);
    const auto* key = given && (*given)->table && (*given)->items.size() == 2
                          ? std::get_if<std::string_view>(&(*given)->items[0].data)
                          : nullptr;
    if (!key || *key != "_metadata") damaged("sets attributes that tensors do not have");
    target(true);
  }

  // False: it was the last one.
  bool step(unsigned char opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        if (const uint64_t version = number(1); version < 2 || version > 5)
          refuse("its pickle has protocol " + std::to_string(version) + ", should be 2 to 5");
        return true;
      case 0x95:  // FRAME
        number(8);
        return true;
      case '.':
        pickle_.root_ = pop();
        if (!stack_.empty() || !marks_.empty()) damaged("leaves something over");
        return false;
      case 'N':
        push(std::monostate());
        return true;
      case 0x88:
        push(true);
        return true;
      case 0x89:
        push(false);
        return true;
      case 'J':  // BININT
        push(static_cast<int64_t>(static_cast<int32_t>(number(4))));
        return true;
      case 'K':
        push(static_cast<int64_t>(number(1)));
        return true;
      case 'M':
        push(static_cast<int64_t>(number(2)));
        return true;
      case 0x8a: {  // LONG1
        const int bytes = static_cast<int>(number(1));
        if (bytes > 8) refuse("its pickle has an integer of " + std::to_string(bytes) + " bytes");
        uint64_t value = number(bytes);
        if (bytes > 0 && bytes < 8 && value >> (8 * bytes - 1))
          value |= ~uint64_t{0} << (8 * bytes);
        push(static_cast<int64_t>(value));
        return true;
      }
      case 'G': {  // BINFLOAT, the highest byte first
        uint64_t bits = 0;
        for (const char c : take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
        push(std::bit_cast<double>(bits));
        return true;
      }
      case 'X':  // BINUNICODE
        push(take(number(4)));
        return true;
      case 0x8c:  // SHORT_BINUNICODE
        push(take(number(1)));
        return true;
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case '}':
        push(made(true, {}));
        return true;
      case ']':
      case ')':
        push(made(false, {}));
        return true;
      case 't':
        push(made(false, pop_to_mark()));
        return true;
      case 0x85:  // TUPLE1
      case 0x86:
      case 0x87: {
        std::vector<PickleNode> items(static_cast<size_t>(opcode - 0x84));
        for (size_t i = items.size(); i-- > 0;) items[i] = pop();
        push(made(false, std::move(items)));
        return true;
      }
      case 'a': {
        const PickleNode item = pop();
        extend(false, {item});
        return true;
      }
      case 'e':
        extend(false, pop_to_mark());
        return true;
      case 's': {
        const PickleNode value = pop(), key = pop();
        extend(true, {key, value});
        return true;
      }
      case 'u':
        extend(true, pop_to_mark());
        return true;
      case 'q':
        remember(number(1));
        return true;
      case 'r':
        remember(number(4));
        return true;
      case 0x94:  // MEMOIZE
        remember(memo_.size());
        return true;
      case 'h':
        recall(number(1));
        return true;
      case 'j':
        recall(number(4));
        return true;
      case 'c': {
        const std::string_view module = line(), name = line();
        ask_for(module, name);
        return true;
      }
      case 0x93: {  // STACK_GLOBAL
        const PickleNode name = pop(), module = pop();
        const auto* n = std::get_if<std::string_view>(&name.data);
        const auto* m = std::get_if<std::string_view>(&module.data);
        if (!n || !m) damaged("asks for something without a name");
        ask_for(*m, *n);
        return true;
      }
      case 'R':
        call();
        return true;
      case 'b':
        build();
        return true;
      case 'Q': {  // BINPERSID
        const PickleNode said = pop();
        auto* const* items = std::get_if<PickleItems*>(&said.data);
        if (!items || (*items)->table) damaged("names a storage by no tuple");
        push(PickleStorage{*items});
        return true;
      }
      default:
        refuse("its pickle has opcode " + std::to_string(opcode) + " at byte " +
               std::to_string(at_ - 1) + ", which no file of tensors has");
    }
  }

  Pickle& pickle_;
  std::string_view bytes_;
  const std::string& where_;
  size_t at_ = 0;
  std::vector<PickleNode> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleNode> memo_;
};

Pickle::Pickle(std::string_view bytes, const std::string& where) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  if (bytes.size() > kMostBytes)
    throw UserError(where + ": its pickle is " + std::to_string(bytes.size()) +
                    " bytes, should be at most " + std::to_string(kMostBytes));
  PickleReader(*this, bytes, where).read();
}

}  // namespace facet
