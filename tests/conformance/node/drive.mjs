// What does the official library for Node make of a scenario? Reads it from standard input, writes a transcript.
// The words of a scenario are told in ../scenario.yaml; ../driver.py does the same in Python.

import http from "node:http";
import { text } from "node:stream/consumers";
import Stripe from "stripe";

const { url, key, scenario } = JSON.parse(await text(process.stdin));
const { hostname, port } = new URL(url);
const stripe = new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });

const heard = [];
const receiver = http.createServer(async (request, response) => {
  heard.push({ signature: request.headers["stripe-signature"], body: await text(request) });
  response.end();
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const kept = { receiver: `http://127.0.0.1:${receiver.address().port}/hook` };

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const plain = (answer) => JSON.parse(JSON.stringify(answer));

/** `$customer.address.city` is what was kept, also inside of texts: "email:'$customer.email'". */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]));
  if (typeof value !== "string") return value;
  const found = (path) => path.split(".").reduce((inner, name) => inner[name], kept);
  const whole = value.match(/^\$([\w.]*\w)$/);
  return whole ? found(whole[1]) : value.replace(/\$(\w[\w.]*\w)/g, (_, path) => found(path));
}

/** customers.create, or customers.tax_ids.create, which this library calls customers.createTaxId. */
function method(path) {
  const names = path.split(".").map(camel);
  const verb = names.pop();
  const service = (steps) => steps.reduce((inner, name) => inner?.[name], stripe);
  const own = service(names);
  if (own) return own[verb === "delete" ? "del" : verb].bind(own);
  const below = names.pop();
  const noun = below[0].toUpperCase() + (verb === "list" ? below.slice(1) : below.slice(1, -1));
  return service(names)[verb + noun].bind(service(names));
}

async function call(step) {
  const ids = [step.on ?? []].flat().map(filled);
  const run = method(step.call);
  const options = {};
  if (step.idempotency_key) options.idempotencyKey = step.idempotency_key;
  if (step.key) options.apiKey = step.key;
  const asked = run(...ids, filled(step.with ?? {}), options);
  if (step.pages) {
    const data = [];
    for await (const one of asked) data.push(plain(one));
    return { answer: { data } };
  }
  const answer = await asked;
  const replayed = answer.lastResponse?.headers["idempotent-replayed"] === "true";
  return { answer: plain(answer), ...(replayed ? { replayed } : {}) };
}

async function hear(step) {
  const until = Date.now() + 30_000;
  const wanted = (one) => JSON.parse(one.body).type === step.hear;
  while (!heard.some(wanted)) {
    if (Date.now() > until) throw new Error(`${step.hear} was not heard`);
    await new Promise((later) => setTimeout(later, 50));
  }
  const { signature, body } = heard.find(wanted);
  const received = step.spoilt ? body.replace("{", "{ ") : body;
  const secret = filled(step.secret);
  if (!step.thin) return { answer: plain(stripe.webhooks.constructEvent(received, signature, secret)) };
  const thin = stripe.parseEventNotification(received, signature, secret);
  const { id, type, livemode } = thin;
  const fetched = { event: plain(await thin.fetchEvent()), object: plain(await thin.fetchRelatedObject()) };
  return { answer: { id, type, livemode, ...fetched } };
}

async function result(step) {
  try {
    return await (step.hear ? hear(step) : call(step));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const { type, rawType, code = null, param = null, statusCode: status, decline_code = null, message } = error;
    if (type === "StripeSignatureVerificationError") return { refused: { type } };
    return { refused: { type, rawType, code, param, status, decline_code: decline_code || null, message } };
  }
}

const transcript = [];
for (const step of scenario) {
  const entry = await result(step);
  transcript.push(entry);
  if ("refused" in entry !== "refused" in step) break; // what follows stands on it
  if (step.keep) kept[step.keep] = entry.answer;
}
console.log(JSON.stringify({ transcript, receiver: kept.receiver }));
receiver.close();
receiver.closeAllConnections();
