// Our corpus: conditions and the attributes to ask them about. In each group every condition meets
// every set of attributes.

export const groups = [];
const group = (name, conditions, attributes) => groups.push({ name, conditions, attributes });
const product = (operators, literals) =>
  operators.flatMap((operator) => literals.map((literal) => ({ v: { [operator]: literal } })));

// One value of everything that JSON can say, and the texts that JavaScript converts in odd ways.
const scalars = [
  null, true, false,
  0, 1, -1, 2, 5, 10, 0.1, 1.5, -2.5, 100, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, 5e-324, 9007199254740993, 0.30000000000000004,
  "", " ", "0", "1", "-1", "5", "10", "05", "5.0", "+5", " 5 ", "1e1", "0x10", "0b11", "0o7", "1_0", ".5", "5.", "Infinity",
  "-Infinity", "NaN", "inf", "1e21", "1e+21", "0.1", "1e-7", "true", "false", "null", "undefined", "[object Object]",
  "a", "b", "A", "abc", "ABC", "Abc", "abd", "ab", "a,b", "1,2", ",", "é", "É", "e\u0301", "ß", "SS", "ΟΔΟΣ", "οδος", "οδοσ",
  "İ", "i̇", "\u{1f600}", "\ufffd", "\ue000", "z\u{1f600}", "z\ue000", "\u00a05", "\ufeff5", "\u00855", "ﬀ", "K", "k",
];
const arrays = [
  [], [null], [null, null], [0], [1], [5], ["5"], [" 5 "], [true], [false], [""], ["a"], ["A"], ["a", "b"], ["b", "a"], [1, 2],
  ["1", "2"], [[]], [[5]], [[[5]]], [["a"]], [[1, 2], [3]], [null, "a"], [1, null, 2], [{}], [{ a: 1 }], [1e21, 1e-7], ["É", "x"],
  ["ΟΔΟΣ"], [1, "1", true, null], ["a,b"],
];
const objects = [{}, { a: 1 }, { a: "1" }, { a: 1, b: 2 }, { a: { b: [1] } }, { length: 3 }, { "0": "a" }, { a: null }];
const values = [...scalars, ...arrays, ...objects];
const attributes = [{}, ...values.map((v) => ({ v }))];

// Bare literals: text, number, Boolean, null, array, object.
group("bare literals", values.map((v) => ({ v })), attributes);
group("not a bare literal", scalars.map((v) => ({ v: { $not: v } })), attributes);
group("$eq and $ne", product(["$eq", "$ne"], scalars), attributes);
group("order", product(["$lt", "$lte", "$gt", "$gte"], scalars), attributes);

const sets = [
  [], [null], [true], [false], [0], [1], [5], ["5"], [""], ["a"], ["A"], ["a", "b"], ["b", "abc", "ab", "a"], ["É"], ["ΟΔΟΣ"],
  ["İ"], ["\u{1f600}", "\ue000"], [1, "1", true, null], [0.1, 1e21, -1], ["null", "true", "0"], [10, 2, 1], ["K"], ["ß"], ["ss"],
  [9007199254740993], ["ABC", "abd"], ["e\u0301"],
];
group("sets", product(["$in", "$nin", "$ini", "$nini"], sets), attributes);
group("sets of what arrays hold", product(["$all", "$alli"], [
  ...sets, ["5", 5], [{ $gt: 1 }], [{ $gt: 1 }, { $lt: 2 }], [{ $regex: "^a" }], [{ $regexi: "^A" }], [[5]], [[]], [{}], [{ a: 1 }],
  [{ $in: ["a"] }, "b"], [{ $not: "a" }], ["[object Object]"], ["[OBJECT OBJECT]"], ["1e+21"], ["1,2"], ["x", "é"], [true], [{ $eq: 1 }],
  [{ $type: "null" }], [{ $exists: false }], [{ $all: [1, 2] }],
]), attributes);
group("$exists, $type, $size", [
  ...product(["$exists"], [true, false]),
  ...product(["$type"], ["null", "array", "string", "number", "boolean", "object"]),
  ...product(["$size"], [0, 1, 2, 3, 4, -1, 1.5, "1", "2", "", true, false, { $gt: 1 }, { $lte: 2 }, { $in: [0, 2] }, { $not: 1 }, { $gt: 0, $lt: 3 }]),
  { v: { $not: { $exists: true } } }, { v: { $not: { $type: "string" } } }, { v: { $not: { $size: 2 } } },
], attributes);
group("$elemMatch", [
  ...product(["$elemMatch"], [
    {}, { $eq: 5 }, { $eq: "a" }, { $gt: 1 }, { $gt: 0, $lt: 2 }, { $in: ["a", 1] }, { $nin: ["a"] }, { $ne: null }, { $not: "a" },
    { $not: { $gt: 1 } }, { $exists: true }, { $exists: false }, { $type: "array" }, { $size: 2 }, { $regex: "a" }, { a: 1 }, { a: null },
    { a: { $exists: false } }, { "0": 1 }, { length: 2 }, { $elemMatch: { $eq: 5 } }, { $elemMatch: { $gt: 1 } }, { a: { $gt: 0 }, $or: [{ b: 2 }, { a: 1 }] },
    { a: 1, $not: { b: 1 } }, { $and: [{ a: 1 }], b: null }, { a: 1, $nor: [] }, { $veq: "1" }, { $ini: ["A"] },
  ]),
  { v: { $not: { $elemMatch: { $eq: "a" } } } },
], attributes);

const patterns = [
  "a", "^a", "c$", "^abc$", "^$", "$^", "", "b|c", "(a|b)c", "a.c", "[abc]+", "[^a]", "^[^a]*$", "a{2}", "a{2,}", "^a{1,2}$", "a{", "a{,2}",
  "{a}", "a}", "]", "\\d", "\\D", "^\\d+$", "\\w+", "\\W", "\\s", "^\\S+$", "\\bcat\\b", "\\Bat", "\\.", "^v\\d+\\.\\d+$", "a/b", "a\\/b", "^/api/", "/",
  "[/]", "[\\w-.]+@", "[\\w.-]+@x\\.com$", "[a-]", "[-a]", "[]", "[^]", "[[]", "[&&]", "[a&&b]", "[~~]", "[--a]", "[\\b]", "[\\]]", "[\\d-z]", "[\\S\\d]",
  "[\\D]", "[^\\W]", "\\x41", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\cJ", "\\0", "\\t", "\\n|\\r|\\v|\\f", "\\-", "\\<a\\>", "<a>", "\\_", "\\ ", "#", "a b",
  "(?:a)", "(?<name>a)b", "()", "(|a)", "a|", "|", "a??", "a*?b", "a+?", "(a*)*b", "^(\\w+\\s?)+$", "x*", "(?:ab)+", "^.$", "^..$", "^a.b$", "é", "É",
  "[à-ÿ]", "[А-Я]+", "Σ", "ς", "ß", "k", "K", "s", "^[^é]+$", "[^\\s]", "[\\s\\S]", "\\$", "\\^", "^null$", "true", "^\\[object", "^1,2$", "^-?\\d+(\\.\\d+)?$", "e\\+21",
  "\\*", "\\\\", "[.]", "[*+?]", "[$^]", "^(?:(?:a|b)|c)$", "a{0}", "a{0,0}b", "\\(", "[)(]", "a\\{2}", "(((a)))", "[a-c]{3}", "[\\x41-\\x43]", "[\\u0041-\\u0043]", "\"", "'", "\\u2028",
];
const texts = [
  "", "a", "A", "aa", "aaa", "abc", "ABC", "xabcx", "ac", "bc", "a.c", "axc", "a\nc", "a\rc", "a\u2028b", "a\u0085b", "a b", "a\u00a0b", "a\ufeffb", "a{", "a{,2}", "{a}", "a}", "]", "[", "&", "~", "-",
  "5", "-5.25", "v1.2", "the cat sat", "concat", "a/b", "/api/x", "me@x.com", "m.e-x@x.com", "\\", "\b", "\t", "\n", "\u0000", "_", "<a>", "#", "$", "^", "*", "(", ")", "{", "é", "É", "ÿ", "Ÿ", "ж", "Ж", "Σ", "σ", "ς",
  "ß", "ẞ", "k", "K", "\u212a", "s", "ſ", "S", "z", "9", "foo bar baz", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "\"", "'", "a\\{2}", "a{2}", "x/y/z", "xX",
];
const matched = [{}, ...texts, null, true, false, 0, 1e21, -1.5, [], [1, 2], ["a", "b"], {}].map((v, i) => (i === 0 ? {} : { v }));
group("patterns", product(["$regex", "$regexi"], patterns), matched);
group("not a pattern", patterns.slice(0, 12).map((p) => ({ v: { $not: { $regex: p } } })), matched);
// One character to Weir, two code units to the SDK; these agree all the same.
group("patterns beyond U+FFFF", product(["$regex", "$regexi"], ["😀", "^😀$", "a😀b", "^a.*b$", "[^a]", "\\W", "\\S", "^(?:😀|b)+$", "\\ud83d\\ude00"]), ["😀", "a😀b", "b😀😀", "x", ""].map((v) => ({ v })));

const versions = [
  "0", "1", "1.0", "1.0.0", "v1.0.0", "V1.0.0", "vv1.0.0", "1.0.0.0", "1.0.1", "1.2.3", "1.10.0", "1.9.0", "10.0.0", "2.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
  "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0+build", "1.0.0-rc.1+build.5", "1.0.0+a+b", "99999.0.0", "100000.0.0", "1.02.3", "1..3", "", "-", ".", "v", "+1", "abc", "1.0.x", "1.0.0-", " 1.0.0", "1.0.0 ", "é.1.0", "1.0.0-😀",
  "1.0.0-\ue000", "1.0.0-~", "1-2-3", "1+\n2+3", "1.2+\u20283", "+\n1+2",
];
const odd = [1, 1.1, 2, 0, -1, 1e21, 1.5e-7];
const versioned = [{}, ...[...versions, ...odd, null, true, false, [], ["1.0.0"], { a: 1 }].map((v) => ({ v }))];
group("versions", product(["$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"], [...versions, ...odd]), versioned);

// Paths.
const nested = [
  {}, { u: null }, { u: 1 }, { u: "text" }, { u: [] }, { u: {} }, { u: { p: null } }, { u: { p: "pro" } }, { u: { p: "free", age: 20 } }, { u: { p: ["pro", "x"] } },
  { u: [{ p: "pro" }, { p: "free" }] }, { u: ["pro"] }, { u: { p: { q: { r: 5 } } } }, { u: { "p.q": 1 } }, { u: { "": { "": 7 } } }, { u: { "0": "zero", "01": "one", length: "long" } },
  { u: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "ten"] }, { u: { é: "acute", "😀": "smile" } }, { u: { p: false } }, { u: { p: 0 } }, { u: { p: "" } }, { u: [[1, 2], [3, 4]] },
];
group("paths", [
  ...["u", "u.p", "u.p.q", "u.p.q.r", "u.0", "u.10", "u.01", "u.-1", "u.1e0", "u.0.p", "u.1.1", "u.length", "u.p.length", "u.0.length", "u.", "u..", "u.é", "u.😀", "u.age"].flatMap((path) => [
    { [path]: "pro" }, { [path]: null }, { [path]: { $exists: true } }, { [path]: { $type: "number" } }, { [path]: { $gte: 0 } }, { [path]: { $in: ["pro", 5, 1] } }, { [path]: { $size: 2 } }, { [path]: { $ne: "pro" } }, { [path]: false },
  ]),
], nested);

// Combinations.
const people = [
  {}, { id: "1" }, { id: "1", plan: "pro", age: 20 }, { id: "2", plan: "free", age: 17 }, { id: "3", plan: "pro", age: 70, tags: ["vip", "beta"] }, { id: 3, plan: null, age: "20" },
  { plan: "enterprise", country: "DE", tags: [] }, { plan: "pro", country: "at", tags: ["VIP"], user: { email: "a@example.com", roles: ["admin"] } }, { age: 18, user: { email: "b@EXAMPLE.com" } },
  { plan: "pro", cart: [{ sku: "a", qty: 2 }, { sku: "b", qty: 0 }], version: "2.10.1" }, { cart: [{ sku: "b", qty: 5 }], version: "2.9.0-rc.1", user: null },
];
group("combinations", [
  {}, { $and: [] }, { $or: [] }, { $nor: [] }, { $not: {} }, { $and: [{}] }, { $or: [{}] }, { $nor: [{}] }, { $not: { $not: {} } },
  { plan: "pro" }, { plan: "pro", age: { $gt: 18 } }, { $and: [{ plan: "pro" }, { age: { $gt: 18 } }] }, { $or: [{ plan: "pro" }, { age: { $gt: 18 } }] }, { $nor: [{ plan: "pro" }, { age: { $gt: 18 } }] },
  { $not: { plan: "pro" } }, { $not: { plan: "pro", age: { $gt: 18 } } }, { $or: [{ plan: "pro" }], $and: [{ age: { $gte: 20 } }], $nor: [{ id: "3" }], $not: { country: "DE" }, id: { $exists: true } },
  { $or: [{ $and: [{ plan: "pro" }, { $not: { age: { $lt: 60 } } }] }, { $nor: [{ plan: "free" }, { plan: null }] }] }, { plan: { $in: ["pro", "enterprise"] }, tags: { $nin: ["beta"] } },
  { age: { $gte: 18, $lt: 65 } }, { age: { $not: { $gte: 18, $lt: 65 } } }, { plan: { $not: { $not: "pro" } } }, { plan: { $not: { $in: ["pro", null] } } }, { plan: { $ne: null, $regex: "^(pro|ent)" } },
  { tags: "vip" }, { tags: ["vip", "beta"] }, { tags: { $all: ["vip"] } }, { tags: { $alli: ["vip"] } }, { tags: { $in: ["vip"] } }, { tags: { $ini: ["vip"] } }, { tags: { $size: 2 } }, { tags: { $elemMatch: { $regex: "^v" } } }, { "tags.0": "vip" }, { "tags.length": { $gt: 0 } },
  { "user.email": { $regex: "@example\\.com$" } }, { "user.email": { $regexi: "@example\\.com$" } }, { "user.roles": { $in: ["admin"] } }, { "user.roles.0": "admin" }, { user: null }, { user: { $exists: false } }, { user: { email: "b@EXAMPLE.com" } },
  { cart: { $elemMatch: { sku: "b", qty: { $gt: 0 } } } }, { cart: { $elemMatch: { $or: [{ sku: "a" }, { sku: "c" }], qty: { $gt: 1 } } } }, { cart: { $not: { $elemMatch: { qty: 0 } } } }, { "cart.0": { sku: "a", qty: 2 } }, { "cart.1.qty": 0 }, { "cart.1.qty": false },
  { version: { $vgte: "2.9.0", $vlt: "3.0.0" } }, { version: { $vgt: "2.9.0-rc.0" } }, { version: { $gte: "2.9.0" } }, { id: 3 }, { id: "3" }, { id: { $eq: 3 } }, { id: { $in: [3] } }, { age: 20 }, { age: "20" }, { age: { $gt: "9" } }, { country: { $ini: ["de", "AT"] } }, { missing: { $lt: 1 } }, { missing: 0 }, { missing: "null" }, { missing: { $regex: "^null$" } },
  { $and: [{ $and: [{ $and: [{ $and: [{ plan: "pro" }] }] }] }] }, { $not: { $or: [{ age: { $lt: 18 } }, { age: null }] } },
], people);

// The SDK answers these without a word; Weir refuses them when it reads the configuration.
const some = [{}, { v: 5 }, { v: "5" }, { v: [5] }, { v: "abc" }, { v: null }, { v: { a: 1 } }];
group("refused: unknown operator", [
  ...product(["$foo", "$EQ", "$equals", "$mod", "$contains", "$startsWith", "$notRegex", "$notRegexi", "$between", "$", "$where"], [5]),
  { v: { $eq: 5, $foo: 1 } }, { v: { $not: { $foo: 5 } } }, { v: { $elemMatch: { $foo: 5 } } }, { v: { $size: { $foo: 5 } } }, { v: { $all: [{ $foo: 5 }] } }, { v: { $and: [5] } }, { v: { $or: [{ a: 1 }] } }, { v: { $nor: [] } }, { v: { $elemMatch: { $or: [{ a: 1 }] } } },
], some);
group("refused: unknown operator on the top", [{ $foo: 1 }, { $xor: [] }, { $eq: 5 }, { $in: [1] }, { $and: [{ $foo: null }] }, { $not: { $gt: 5 } }, { $: null }, { v: 5, $regex: "5" }], some);
group("refused: saved groups", [...product(["$inGroup", "$notInGroup"], ["staff", 5]), { $savedGroup: { id: "staff" } }, { $not: { $savedGroup: { id: "staff" } } }, { v: { $savedGroup: "staff" } }], some);
group("refused: literal of the wrong type", [
  ...product(["$in", "$nin", "$ini", "$nini"], ["5", 5, null, {}]), ...product(["$in", "$nin", "$ini"], [[[5]], [{ a: 1 }, 5]]), ...product(["$all", "$alli"], ["5", 5, null, {}]),
  ...product(["$eq", "$ne", "$lt", "$lte", "$gt", "$gte"], [[5], [], { a: 1 }]), ...product(["$exists"], [1, 0, null, "true", [], {}]), ...product(["$type"], ["text", "undefined", "unknown", "", null, 5, ["string"]]), ...product(["$size"], [null, [1], { a: 1 }, {}]),
  ...product(["$elemMatch"], [null, 5, "a", true, [], ["a"]]), ...product(["$regex", "$regexi"], [null, 5, true, ["a"], { a: 1 }]), ...product(["$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"], [null, true, [], {}]),
  { v: { $elemMatch: { $gt: 1, a: 5 } } },
], some);
group("refused: condition of the wrong type", [
  { $and: { v: 5 } }, { $and: null }, { $or: { v: 5 } }, { $or: null }, { $or: "v" }, { $nor: {} }, { $nor: 5 }, { $and: [5] }, { $and: [null] }, { $or: ["v"] }, { $or: [[]] }, { $not: null }, { $not: [] }, { $not: 5 }, { $not: "v" }, { $and: true },
], some);
group("refused: operators mixed with keys", [{ v: { $eq: 5, a: 1 } }, { v: { a: 1, $gt: 1 } }, { v: { $not: { $eq: 1, a: 1 } } }, { v: { $all: [{ $eq: 5, a: 1 }] } }], some);
group("refused: patterns that need backtracking", product(["$regex", "$regexi"], ["(?=a)", "(?!a)b", "(?<=a)b", "(?<!a)b", "(a)\\1", "(?<n>a)\\k<n>", "^(?!.*b).*$"]), some);
group("refused: patterns that JavaScript refuses too", product(["$regex", "$regexi"], ["(", ")", "[", "[a", "*", "+a", "?", "a**", "a{2}{3}", "a{3,2}", "[z-a]", "\\", "(?i)a", "(?P<n>a)", "(?<1>a)", "(?a)", "^*", "\\b+", "{2}", "a++", "(?", "(?:", "(?<n"]), some);
group("refused: patterns that mean something else than they seem to", product(["$regex", "$regexi"], ["\\p{L}", "\\P{L}", "\\u{41}", "\\x{41}", "\\A", "\\z", "\\Z", "\\a", "\\e", "\\Q", "\\h", "\\c1", "\\u12", "\\x4", "\\1", "\\00", "\\ud83d", "\\k"]), some);
group("refused: patterns that are too large", product(["$regex", "$regexi"], ["(?:a{1000}){1000}", "\\w{20000}", "a".repeat(5000), "(".repeat(60) + "b?" + ")".repeat(60)]), some);

// Both answer, differently. The test names the reasons.
group("differs: order of members", [{ v: { b: 2, a: 1 } }, { v: [{ b: 1, a: [] }] }], [{ v: { a: 1, b: 2 } }, { v: [{ a: [], b: 1 }] }]);
group("differs: names from prototypes", [
  { "v.toString": { $exists: true } }, { "v.constructor": { $exists: true } }, { "v.map": { $ne: null } }, { "v.hasOwnProperty": { $type: "null" } }, { "v.__proto__": { $type: "object" } },
], [{ v: {} }, { v: [] }]);
group("differs: characters beyond U+FFFF in patterns", product(["$regex"], ["^.$", "^..$", "^[😀]$", "^[^a]{2}$", "^\\W$"]), [{ v: "😀" }]);
group("differs: long texts in patterns", product(["$regex"], ["a", "^a+$"]), [{ v: "a".repeat(16 * 1024 + 1) }]);
group("differs: members that hide conversions", [{ v: "x" }, { v: 5 }, { v: { $lt: 5 } }, { v: { $regex: "x" } }], [{ v: { toString: "x" } }, { v: { valueOf: 1, toString: 2 } }]);
