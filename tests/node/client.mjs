// A session of the TypeScript SDK over stdio, told as JSON in argument 1:
// {sdk: "v1" | "v2", mode?, command, args, env, calls: [{name, arguments, timeout?}], answers?: {...}}
// On standard output one JSON document: the version, the tools, and what became of each call.

const plan = JSON.parse(process.argv[2]);
const info = { name: "typescript", version: "1.0.0" };
const seen = { version: null, tools: [], results: [], progress: [], asked: [] };

async function client() {
  const capabilities = { elicitation: {}, sampling: {}, roots: {} };
  if (plan.sdk === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const types = await import("@modelcontextprotocol/sdk/types.js");
    const made = new Client(info, { capabilities });
    made.setRequestHandler(types.CreateMessageRequestSchema, answerSampling);
    made.setRequestHandler(types.ElicitRequestSchema, answerElicitation);
    made.setRequestHandler(types.ListRootsRequestSchema, () => ({ roots: [] }));
    return [made, StdioClientTransport];
  }
  const { Client } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const made = new Client(info, { capabilities, versionNegotiation: { mode: plan.mode ?? "auto" } });
  made.setRequestHandler("sampling/createMessage", answerSampling);
  made.setRequestHandler("elicitation/create", answerElicitation);
  made.setRequestHandler("roots/list", () => ({ roots: [] }));
  return [made, StdioClientTransport];
}

function answerSampling(request) {
  seen.asked.push("sampling/createMessage");
  return { role: "assistant", model: "test", content: { type: "text", text: "sampled" } };
}

function answerElicitation(request) {
  seen.asked.push("elicitation/create");
  return { action: "decline" };
}

const [session, Transport] = await client();
await session.connect(new Transport({ command: plan.command, args: plan.args, env: { ...process.env, ...plan.env } }));
seen.version = session.getNegotiatedProtocolVersion?.() ?? session.getServerVersion?.()?.version ?? null;
seen.tools = (await session.listTools()).tools;
for (const { name, arguments: given, options } of plan.calls) {
  const onprogress = options?.progress ? (progress) => seen.progress.push(progress.progress) : undefined;
  const rules = { ...options, onprogress };
  delete rules.progress;
  try {
    const params = { name, arguments: given };
    const result =
      plan.sdk === "v1" ? await session.callTool(params, undefined, rules) : await session.callTool(params, rules);
    seen.results.push(result);
  } catch (error) {
    seen.results.push({ error: String(error.message), code: error.code });
  }
}
await session.close();
console.log(JSON.stringify(seen));
