// Plays Envoy to the native module, so that a memory checker can watch how the module uses the ABI.
//
//   memory LIBRARY CONFIGURATION STREAMS
//
// Everything that the ABI lends is a block of its own, freed when the ABI allows it: headers at each change of a
// header, attributes and bodies after their callback, arguments after the call. A pointer that the module keeps for too
// long, or reads beyond its end, is then an error that valgrind or AddressSanitizer reports. What the module hands over
// is read to its last byte. The program ends with 1 if a reply, a count or a stream is missing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { const char *data; size_t len; } slice;
typedef struct { slice name, value; } header;
enum { REQUEST, REQUEST_TRAILERS, RESPONSE, RESPONSE_TRAILERS, MAPS };
enum { MAX_HEADERS = 32, MAX_LENT = 16, MAX_EVENTS = 1 << 16, WAITING = 64 };

typedef struct {
  header maps[MAPS][MAX_HEADERS];
  size_t counts[MAPS];
  void *lent[MAX_LENT];
  size_t lent_count;
  char *body;
  size_t body_len;
  const void *module;
  bool goes_on, answered;
  uint64_t number;
} filter;

typedef struct { uint64_t filter; filter *at; } scheduler;

static struct { uint64_t streams, replies, added, brought, recorded, state, went_on, checksum, expected; } seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t events[MAX_EVENTS];
static size_t event_count;
static int config_events;
static filter *waiting[WAITING];

static void fail(const char *what) { fprintf(stderr, "failed: %s\n", what); exit(1); }

// Reads all of it.
static void touch(slice s) { for (size_t i = 0; i < s.len; i++) seen.checksum += (unsigned char)s.data[i]; }
static void touch_all(const slice *s, size_t n) { for (size_t i = 0; i < n; i++) touch(s[i]); }

// A block without a byte too much.
static slice lend(const char *data, size_t len) {
  char *copy = malloc(len ? len : 1);
  memcpy(copy, data, len);
  return (slice){copy, len};
}
static slice lend_text(const char *text) { return lend(text, strlen(text)); }
static slice lend_for_callback(filter *f, const char *data, size_t len) {
  if (f->lent_count == MAX_LENT) fail("too much is asked in one callback");
  slice s = lend(data, len);
  f->lent[f->lent_count++] = (void *)s.data;
  return s;
}
static void callback_ends(filter *f) { while (f->lent_count) free(f->lent[--f->lent_count]); }

static void put(filter *f, int map, const char *name, const char *value) {
  if (f->counts[map] == MAX_HEADERS) fail("too many headers");
  f->maps[map][f->counts[map]++] = (header){lend_text(name), lend_text(value)};
}
static void move_headers(filter *f, int map) {
  for (size_t i = 0; i < f->counts[map]; i++) {
    header *h = &f->maps[map][i], old = *h;
    *h = (header){lend(old.name.data, old.name.len), lend(old.value.data, old.value.len)};
    free((void *)old.name.data);
    free((void *)old.value.data);
  }
}
static void remove_all(filter *f, int map, slice name) {
  size_t kept = 0;
  for (size_t i = 0; i < f->counts[map]; i++) {
    header h = f->maps[map][i];
    if (h.name.len == name.len && !memcmp(h.name.data, name.data, name.len)) {
      free((void *)h.name.data);
      free((void *)h.value.data);
    } else f->maps[map][kept++] = h;
  }
  f->counts[map] = kept;
}

#define ABI(result, name) result envoy_dynamic_module_callback_##name
ABI(bool, log_enabled)(uint32_t level) { return level > 2; }
ABI(void, log)(uint32_t level, slice line) { (void)level; touch(line); fprintf(stderr, "%.*s\n", (int)line.len, line.data); }
ABI(bool, http_get_header)(filter *f, uint32_t map, slice name, slice *value, size_t index, size_t *count) {
  (void)index; (void)count;
  touch(name);
  for (size_t i = 0; i < f->counts[map]; i++) {
    header h = f->maps[map][i];
    if (h.name.len == name.len && !memcmp(h.name.data, name.data, name.len)) { *value = h.value; return true; }
  }
  *value = (slice){0};
  return false;
}
ABI(size_t, http_get_headers_size)(filter *f, uint32_t map) { return f->counts[map]; }
ABI(bool, http_get_headers)(filter *f, uint32_t map, header *out) { memcpy(out, f->maps[map], f->counts[map] * sizeof *out); return true; }
ABI(bool, http_add_header)(filter *f, uint32_t map, slice name, slice value) {
  if (f->counts[map] == MAX_HEADERS) fail("too many headers");
  f->maps[map][f->counts[map]++] = (header){lend(name.data, name.len), lend(value.data, value.len)};
  move_headers(f, map);
  return true;
}
ABI(bool, http_set_header)(filter *f, uint32_t map, slice name, slice value) {
  remove_all(f, map, name);
  if (value.data) return envoy_dynamic_module_callback_http_add_header(f, map, name, value);
  move_headers(f, map);
  return true;
}
ABI(void, http_send_response)(filter *f, uint32_t status, const header *headers, size_t count, slice body, slice details) {
  if (status < 200 || status > 599) fail("a status");
  for (size_t i = 0; i < count; i++) { touch(headers[i].name); touch(headers[i].value); }
  touch(body);
  touch(details);
  f->answered = true;
  seen.replies++;
}
ABI(size_t, http_get_body_size)(filter *f, uint32_t which) { (void)which; return f->body_len; }
ABI(size_t, http_get_body_chunks_size)(filter *f, uint32_t which) { (void)which; return f->body_len ? 2 : 0; }
ABI(bool, http_get_body_chunks)(filter *f, uint32_t which, slice *out) {
  (void)which;
  size_t half = f->body_len / 2;
  out[0] = lend_for_callback(f, f->body, half);
  out[1] = lend_for_callback(f, f->body + half, f->body_len - half);
  return true;
}
ABI(bool, http_append_body)(filter *f, uint32_t which, slice body) { (void)which; free(f->body); slice s = lend(body.data, body.len); f->body = (char *)s.data; f->body_len = s.len; return true; }
ABI(bool, http_drain_body)(filter *f, uint32_t which, size_t size) { (void)which; (void)size; f->body_len = 0; return true; }
ABI(bool, http_get_metadata_number)(filter *f, uint32_t from, slice space, slice key, double *out) { (void)f; (void)from; touch(space); touch(key); *out = 1; return true; }
ABI(bool, http_get_metadata_string)(filter *f, uint32_t from, slice space, slice key, slice *out) { (void)f; (void)from; (void)out; touch(space); touch(key); return false; }
ABI(bool, http_get_metadata_bool)(filter *f, uint32_t from, slice space, slice key, bool *out) { (void)f; (void)from; (void)out; touch(space); touch(key); return false; }
ABI(bool, http_set_filter_state_bytes)(filter *f, slice key, slice value) { (void)f; touch(key); touch(value); seen.state++; return true; }
ABI(bool, http_get_filter_state_bytes)(filter *f, slice key, slice *out) { (void)f; (void)out; touch(key); return false; }
ABI(void, http_clear_route_cache)(filter *f) { move_headers(f, REQUEST); }
ABI(bool, http_filter_get_attribute_string)(filter *f, uint32_t id, slice *out) { if (id == 11) return false; *out = lend_for_callback(f, "a-route-of-envoy", 16); return true; }
ABI(bool, http_filter_get_attribute_int)(filter *f, uint32_t id, uint64_t *out) { (void)f; *out = id == 15 ? 200 : id; return true; }
ABI(bool, http_filter_get_attribute_bool)(filter *f, uint32_t id, bool *out) { (void)f; (void)id; *out = true; return true; }
ABI(void, http_filter_continue_decoding)(filter *f) { f->goes_on = true; seen.went_on++; }
ABI(void, http_filter_continue_encoding)(filter *f) { f->goes_on = true; }
ABI(void *, http_filter_scheduler_new)(filter *f) { scheduler *s = malloc(sizeof *s); *s = (scheduler){f->number, f}; return s; }
ABI(void, http_filter_scheduler_commit)(scheduler *s, uint64_t event) {
  (void)event;
  pthread_mutex_lock(&lock);
  if (event_count < MAX_EVENTS) events[event_count++] = s->filter;
  pthread_mutex_unlock(&lock);
}
ABI(void, http_filter_scheduler_delete)(scheduler *s) { free(s); }
ABI(void *, http_filter_config_scheduler_new)(void *config) { (void)config; return malloc(1); }
ABI(void, http_filter_config_scheduler_commit)(void *s, uint64_t event) { (void)s; (void)event; __atomic_add_fetch(&config_events, 1, __ATOMIC_SEQ_CST); }
ABI(void, http_filter_config_scheduler_delete)(void *s) { free(s); }
ABI(uint32_t, http_filter_config_http_callout)(void *c, uint64_t *id, slice cluster, const header *headers, size_t count, slice body, uint64_t timeout) { (void)c; (void)id; (void)timeout; touch(cluster); for (size_t i = 0; i < count; i++) { touch(headers[i].name); touch(headers[i].value); } touch(body); return 1; }
static size_t metrics;
static uint32_t define(slice name, const slice *labels, size_t count, size_t *id) { touch(name); touch_all(labels, count); *id = ++metrics; return 0; }
ABI(uint32_t, http_filter_config_define_counter)(void *c, slice n, const slice *l, size_t k, size_t *id) { (void)c; return define(n, l, k, id); }
ABI(uint32_t, http_filter_config_define_gauge)(void *c, slice n, const slice *l, size_t k, size_t *id) { (void)c; return define(n, l, k, id); }
ABI(uint32_t, http_filter_config_define_histogram)(void *c, slice n, const slice *l, size_t k, size_t *id) { (void)c; return define(n, l, k, id); }
ABI(uint32_t, http_filter_config_increment_counter)(void *c, size_t id, const slice *l, size_t k, uint64_t by) { (void)c; (void)id; touch_all(l, k); seen.brought += by; return 0; }
ABI(uint32_t, http_filter_increment_counter)(filter *f, size_t id, const slice *l, size_t k, uint64_t by) { (void)f; (void)id; touch_all(l, k); seen.added += by; return 0; }
ABI(uint32_t, http_filter_increment_gauge)(filter *f, size_t id, const slice *l, size_t k, uint64_t by) { (void)f; (void)id; (void)by; touch_all(l, k); return 0; }
ABI(uint32_t, http_filter_decrement_gauge)(filter *f, size_t id, const slice *l, size_t k, uint64_t by) { (void)f; (void)id; (void)by; touch_all(l, k); return 0; }
ABI(uint32_t, http_filter_set_gauge)(filter *f, size_t id, const slice *l, size_t k, uint64_t v) { (void)f; (void)id; (void)v; touch_all(l, k); return 0; }
ABI(uint32_t, http_filter_record_histogram_value)(filter *f, size_t id, const slice *l, size_t k, uint64_t v) { (void)f; (void)id; (void)v; touch_all(l, k); seen.recorded++; return 0; }

#define EVENT(result, name, ...) static result (*on_##name)(__VA_ARGS__)
EVENT(const char *, program_init, void);
EVENT(const void *, http_filter_config_new, void *, slice, slice);
EVENT(void, http_filter_config_destroy, const void *);
EVENT(void, http_filter_config_scheduled, void *, const void *, uint64_t);
EVENT(const void *, http_filter_new, const void *, void *);
EVENT(void, http_filter_destroy, const void *);
EVENT(uint32_t, http_filter_request_headers, void *, const void *, bool);
EVENT(uint32_t, http_filter_request_trailers, void *, const void *);
EVENT(uint32_t, http_filter_response_headers, void *, const void *, bool);
EVENT(uint32_t, http_filter_response_body, void *, const void *, bool);
EVENT(uint32_t, http_filter_response_trailers, void *, const void *);
EVENT(void, http_filter_stream_complete, void *, const void *);
EVENT(void, http_filter_scheduled, void *, const void *, uint64_t);

static void destroy(filter *f) {
  on_http_filter_stream_complete(f, f->module);
  callback_ends(f);
  on_http_filter_destroy(f->module);
  callback_ends(f);
  for (int map = 0; map < MAPS; map++)
    for (size_t i = 0; i < f->counts[map]; i++) { free((void *)f->maps[map][i].name.data); free((void *)f->maps[map][i].value.data); }
  free(f->body);
  free(f);
  seen.streams++;
}

static void respond(filter *f) {
  put(f, RESPONSE, ":status", "200");
  put(f, RESPONSE, "content-type", "text/plain");
  on_http_filter_response_headers(f, f->module, false);
  callback_ends(f);
  slice body = lend_text("a body of the upstream");
  f->body = (char *)body.data;
  f->body_len = body.len;
  on_http_filter_response_body(f, f->module, true);
  callback_ends(f);
  if (f->number % 7 == 0) {
    put(f, RESPONSE_TRAILERS, "grpc-status", "0");
    on_http_filter_response_trailers(f, f->module);
    callback_ends(f);
  }
}

static void finish(filter *f) { if (!f->answered) respond(f); destroy(f); }

// Brings what other threads have asked for, as Envoy's event loop does: events of filters that have gone are dropped.
static void poll(void *config, const void *shared) {
  if (__atomic_exchange_n(&config_events, 0, __ATOMIC_SEQ_CST)) on_http_filter_config_scheduled(config, shared, 0);
  for (;;) {
    pthread_mutex_lock(&lock);
    uint64_t number = event_count ? events[--event_count] : 0;
    pthread_mutex_unlock(&lock);
    if (!number) break;
    for (int i = 0; i < WAITING; i++)
      if (waiting[i] && waiting[i]->number == number) { on_http_filter_scheduled(waiting[i], waiting[i]->module, 0); callback_ends(waiting[i]); break; }
  }
  for (int i = 0; i < WAITING; i++)
    if (waiting[i] && (waiting[i]->goes_on || waiting[i]->answered)) { filter *f = waiting[i]; waiting[i] = NULL; finish(f); }
}

static void wait_for(filter *f) {
  int place = f->number % WAITING;
  // A client that goes while its request waits.
  if (waiting[place]) { filter *gone = waiting[place]; waiting[place] = NULL; destroy(gone); }
  waiting[place] = f;
}

static void begin(const void *shared, uint64_t number) {
  char text[64];
  filter *f = calloc(1, sizeof *f);
  f->number = number;
  f->module = on_http_filter_new(shared, f);
  if (!f->module) fail("no stream was made");
  put(f, REQUEST, ":authority", "shop.example.com");
  put(f, REQUEST, ":path", number % 50 == 0 ? "/slow?x=1" : number % 51 == 0 ? "/broken" : "/api/v1/items?id=42");
  put(f, REQUEST, ":method", "GET");
  snprintf(text, sizeof text, "user-%llu", (unsigned long long)number);
  put(f, REQUEST, "x-user-id", text);
  put(f, REQUEST, "cookie", "sid=0123456789abcdef; theme=dark; a-cookie-with-a-long-name=and-a-value-that-is-longer-than-sixty-four-bytes");
  put(f, REQUEST, "x-empty", "");
  if (number % 3 == 0) put(f, REQUEST, "x-variant", "forged");
  // The assignment and the end of each, and the fault of some.
  seen.expected += 2 + (number % 50 == 0 || number % 51 == 0);
  uint32_t status = on_http_filter_request_headers(f, f->module, number % 5 != 0);
  callback_ends(f);
  if (!f->answered && number % 5 == 0) {
    put(f, REQUEST_TRAILERS, "x-variant", "forged");
    on_http_filter_request_trailers(f, f->module);
    callback_ends(f);
  }
  if (status == 4) wait_for(f);
  else finish(f);
}

int main(int count, char **arguments) {
  if (count != 4) fail("usage: memory LIBRARY CONFIGURATION STREAMS");
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
#define FIND(name) if (!(*(void **)&on_##name = dlsym(library, "envoy_dynamic_module_on_" #name))) fail(#name)
  FIND(program_init); FIND(http_filter_config_new); FIND(http_filter_config_destroy); FIND(http_filter_config_scheduled);
  FIND(http_filter_new); FIND(http_filter_destroy); FIND(http_filter_request_headers); FIND(http_filter_request_trailers);
  FIND(http_filter_response_headers); FIND(http_filter_response_body); FIND(http_filter_response_trailers);
  FIND(http_filter_stream_complete); FIND(http_filter_scheduled);
  if (!on_program_init()) fail("the module refused");
  static char text[1 << 16];
  FILE *file = fopen(arguments[2], "r");
  if (!file) fail(arguments[2]);
  slice document = lend(text, fread(text, 1, sizeof text, file)), name = lend_text("weir");
  fclose(file);
  uint64_t streams = strtoull(arguments[3], NULL, 10), fifth = streams / 5, middle = 0;
  char config;
  const void *shared = on_http_filter_config_new(&config, name, document);
  if (!shared) fail("the configuration was refused");
  free((void *)document.data);
  free((void *)name.data);
  for (uint64_t number = 1; number <= streams; number++) {
    begin(shared, number);
    poll(&config, shared);
    if (number == fifth) middle = mallinfo2().uordblks;
  }
  for (int patience = 0; patience < 100; patience++) { usleep(20000); poll(&config, shared); }
  for (int i = 0; i < WAITING; i++) if (waiting[i]) fail("a delay did not end");
  uint64_t last = mallinfo2().uordblks;
  on_http_filter_config_destroy(shared);
  printf("%llu streams, %llu replies, %llu went on, %llu+%llu counts, %llu samples, heap %llu kB after a fifth, %llu kB at the end\n",
         (unsigned long long)seen.streams, (unsigned long long)seen.replies, (unsigned long long)seen.went_on,
         (unsigned long long)seen.added, (unsigned long long)seen.brought, (unsigned long long)seen.recorded,
         (unsigned long long)middle / 1024, (unsigned long long)last / 1024);
  if (seen.streams != streams) fail("streams are missing");
  if (!seen.replies || !seen.went_on || !seen.recorded) fail("nothing was answered, delayed or measured");
  if (seen.brought != seen.expected) fail("counts are missing");
  if (streams >= 100000 && last > middle + 65536) fail("memory grows");
  return 0;
}
