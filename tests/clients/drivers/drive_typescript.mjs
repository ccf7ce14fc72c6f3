// The TypeScript client: `node drive_typescript.mjs PACKAGE MODE COMMAND [ARGUMENT ...]`, mode `auto` or `legacy`.
const [home, mode, command, ...args] = process.argv.slice(2);
const { Client } = await import(`${home}/dist/index.mjs`);
const { StdioClientTransport } = await import(`${home}/dist/stdio.mjs`);

const CREATE = { imageName: "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404", name: "from a client" };
const client = new Client({ name: "typescript-client", version: "0" }, { versionNegotiation: { mode } });
await client.connect(new StdioClientTransport({ command, args }));

const { tools } = await client.listTools();
const call = async (name, given) => {
  const result = await client.callTool({ name, arguments: given });
  return [Boolean(result.isError), JSON.stringify([result.structuredContent, result.content]), result];
};
const [rentError, rented, whole] = await call("create_pod", { ...CREATE, gpuTypeIds: ["NVIDIA L4"] });
const podId = whole.structuredContent?.pod?.podId ?? "none";
const [refuseError, refused] = await call("create_pod", { ...CREATE, gpuTypeIds: ["NVIDIA H100 80GB HBM3"] });
const [, during] = await call("list_pods", {});
const [endError, ended] = await call("delete_pod", { podId });
const [, after] = await call("list_pods", {});
await client.close();

console.log("FACTS " + JSON.stringify({
  tools: tools.map((tool) => tool.name).sort(),
  pod_id: podId,
  rented,
  refused,
  ended,
  errors: [rentError, refuseError, endError],
  seen_during: during.includes(podId),
  seen_after: after.includes(podId),
}));
