// Calls through each listener of an Envoy with faults.yaml, with real clients, and prints what they read.
//   node read.mjs NAME=http://127.0.0.1:PORT ...
import { create, createFileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, StringValueSchema, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import * as node from "@connectrpc/connect-node";
import * as web from "@connectrpc/connect-web";
import grpc from "@grpc/grpc-js";
import grpcWeb from "grpc-web";
import xhr from "xhr2";
import { readFileSync } from "node:fs";

globalThis.XMLHttpRequest = xhr.XMLHttpRequest ?? xhr;

const message = "google.protobuf.StringValue";
const method = (name, serverStreaming) =>
  ({ name, inputType: `.${message}`, outputType: `.${message}`, serverStreaming, options: serverStreaming ? undefined : { idempotencyLevel: 1 } });
const file = create(FileDescriptorProtoSchema, {
  name: "cart.proto", package: "shop", syntax: "proto3", dependency: ["google/protobuf/wrappers.proto"],
  service: [{ name: "Cart", method: [method("Get", false), method("Watch", true)] }],
});
const registry = createFileRegistry(file, (name) => name === "google/protobuf/wrappers.proto" ? file_google_protobuf_wrappers : undefined);
const Cart = registry.getService("shop.Cart");

const ofConnect = (transport) => async (_, drill) => {
  const client = createClient(Cart, transport);
  const options = { headers: { "x-drill": drill }, timeoutMs: 10000 };
  const read = async (call) => {
    try {
      await call();
      return [0, ""];
    } catch (error) {
      return [error.code, error.rawMessage];
    }
  };
  const stream = async () => { for await (const _ of client.watch({ value: "a" }, options)); };
  return { unary: await read(() => client.get({ value: "a" }, options)), stream: await read(stream) };
};

const ofGrpcJs = (url, drill) => {
  const raw = (value) => value;
  const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set("x-drill", drill);
  const unary = new Promise((done) => {
    client.makeUnaryRequest("/shop.Cart/Get", raw, raw, Buffer.alloc(0), metadata, (error) => done(error ? [error.code, error.details] : [0, ""]));
  });
  const stream = new Promise((done) => {
    const call = client.makeServerStreamRequest("/shop.Cart/Watch", raw, raw, Buffer.alloc(0), metadata);
    call.on("error", (error) => done([error.code, error.details]));
    call.on("end", () => setTimeout(() => done([0, ""]), 100));
    call.on("data", () => {});
  });
  return Promise.all([unary, stream]).then(([unary, stream]) => ({ unary, stream })).finally(() => client.close());
};

const ofGrpcWeb = (format) => async (url, drill) => {
  const client = new grpcWeb.GrpcWebClientBase({ format });
  const raw = () => new Uint8Array();
  const descriptor = (name, kind) => new grpcWeb.MethodDescriptor(`/shop.Cart/${name}`, kind, Object, Object, raw, raw);
  const metadata = { "x-drill": drill };
  let answers = 0;
  const unary = await new Promise((done) => {
    client.rpcCall(`${url}/shop.Cart/Get`, {}, metadata, descriptor("Get", grpcWeb.MethodType.UNARY), (error) => {
      answers += 1;
      setTimeout(() => done(error ? [error.code, error.message] : [0, ""]), 20);
    });
  });
  const stream = await new Promise((done) => {
    const call = client.serverStreaming(`${url}/shop.Cart/Watch`, {}, metadata, descriptor("Watch", grpcWeb.MethodType.SERVER_STREAMING));
    call.on("error", (error) => done([error.code, error.message]));
    call.on("end", () => done([0, ""]));
  });
  return { unary, stream, answers };
};

const clients = (url) => ({
  "grpc-js": ofGrpcJs,
  "grpc-web binary": ofGrpcWeb("binary"),
  "grpc-web text": ofGrpcWeb("text"),
  "connect-node gRPC": ofConnect(node.createGrpcTransport({ baseUrl: url })),
  "connect-node gRPC-Web, HTTP/1.1": ofConnect(node.createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" })),
  "connect-node gRPC-Web, HTTP/2, JSON": ofConnect(node.createGrpcWebTransport({ baseUrl: url, httpVersion: "2", useBinaryFormat: false })),
  "connect-node Connect, HTTP/2": ofConnect(node.createConnectTransport({ baseUrl: url, httpVersion: "2", useBinaryFormat: true })),
  "connect-web gRPC-Web": ofConnect(web.createGrpcWebTransport({ baseUrl: url })),
  "connect-web Connect, JSON": ofConnect(web.createConnectTransport({ baseUrl: url })),
  "connect-web Connect, binary": ofConnect(web.createConnectTransport({ baseUrl: url, useBinaryFormat: true })),
  "connect-web Connect, GET": ofConnect(web.createConnectTransport({ baseUrl: url, useHttpGet: true })),
});

const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
const names = ["@grpc/grpc-js", "grpc-web", "@connectrpc/connect-node", "@connectrpc/connect-web"];
const result = { clients: Object.fromEntries(names.map((name) => [name, version(name)])), read: {} };
for (const argument of process.argv.slice(2)) {
  const [listener, url] = argument.split("=");
  result.read[listener] = {};
  for (const [name, call] of Object.entries(clients(url))) {
    const all = {};
    for (let status = 1; status <= 16; status += 1) all[status] = await call(url, String(status));
    result.read[listener][name] = all;
  }
}
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
