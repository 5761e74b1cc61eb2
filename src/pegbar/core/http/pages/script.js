"use strict";
// The browsable documentation: everything comes from openapi.json, nothing from the network beyond this server.

const METHODS = ["get", "post", "put", "patch", "delete"];
let api;
let routes = [];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// Text with the little Markdown that descriptions use: paragraphs, **strong** and `code`.
function prose(text) {
  return text.split(/\n\n+/).map((paragraph) => {
    const parts = paragraph.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
      if (part.startsWith("`")) return element("code", {}, part.slice(1, -1));
      if (part.startsWith("**")) return element("b", {}, part.slice(2, -2));
      return part;
    });
    return element("p", {}, parts);
  });
}

function resolve(schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.slice(2).split("/").reduce((found, key) => found[key.replaceAll("~1", "/")], api);
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  const names = [].concat(schema.type || "any");
  return names.map((name) => {
    if (name === "array") return `list of ${kind(schema.items || {})}`;
    if (name === "string" && schema.format) return schema.format;
    if (name === "string" && schema.maxLength) return `string, at most ${schema.maxLength}`;
    return name;
  }).join(" or ");
}

// An example of a value, deep enough to be useful as the start of a body.
function example(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.examples) return schema.examples[0];
  if ("const" in schema) return schema.const;
  if ("default" in schema) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf || schema.oneOf) return example((schema.anyOf || schema.oneOf)[0], depth);
  const type = [].concat(schema.type || [])[0];
  if (type === "object") {
    const found = {};
    if (depth < 3) for (const [key, value] of Object.entries(schema.properties || {})) found[key] = example(value, depth + 1);
    return found;
  }
  if (type === "array") return depth < 2 && schema.items ? [example(schema.items, depth + 1)] : [];
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  if (type === "string") {
    if (schema.format === "uuid") return "00000000-0000-0000-0000-000000000000";
    if (schema.format === "date") return "2026-01-31";
    return "";
  }
  return null;
}

function fields(schema) {
  schema = resolve(schema);
  const listed = schema.items ? resolve(schema.items) : schema;
  if (!listed.properties) return null;
  const required = new Set(listed.required || []);
  return element("table", {}, Object.entries(listed.properties).map(([name, value]) =>
    element("tr", {},
      element("td", {}, element("code", {}, name), required.has(name) ? element("span", { class: "need" }, " needed") : null),
      element("td", {}, kind(value)),
      element("td", { class: "dim" }, resolve(value).description || ""))));
}

function body(operation) {
  const content = operation.requestBody && operation.requestBody.content;
  if (!content) return null;
  const [type, media] = Object.entries(content)[0];
  return { type, schema: media.schema || {} };
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, given]) => {
    const response = resolve(given);
    const schema = response.content && Object.values(response.content)[0].schema;
    const row = element("tr", {},
      element("td", {}, element("code", {}, status)),
      element("td", {}, response.description),
      element("td", { class: "dim" }, schema ? kind(schema) : ""));
    return row;
  });
}

function token() {
  return sessionStorage.getItem("pegbar.token");
}

function tryIt(route) {
  const { method, path, operation } = route;
  const inputs = new Map();
  const parameters = (operation.parameters || []).map(resolve);
  const shown = parameters.filter((each) => each.in === "path" || each.required || parameters.length <= 8);
  const rows = shown.map((each) => {
    const input = element("input", { placeholder: kind(each.schema || {}), "aria-label": each.name });
    inputs.set(each, input);
    return element("tr", {}, element("td", {}, element("code", {}, each.name)), element("td", {}, input));
  });
  const extra = element("input", { placeholder: "page=1&limit=10", "aria-label": "Query string" });
  if (method === "get") rows.push(element("tr", {}, element("td", {}, "more of the query string"), element("td", {}, extra)));
  const wanted = body(operation);
  const isJson = wanted && wanted.type === "application/json";
  const text = isJson ? element("textarea", { "aria-label": "Body" }) : null;
  if (text) text.value = JSON.stringify(example(wanted.schema), null, 2);
  const output = element("div");
  async function send(event) {
    event.preventDefault();
    let url = path;
    const query = new URLSearchParams(extra.value);
    for (const [each, input] of inputs) {
      if (each.in === "path") url = url.replace(`{${each.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(each.name, input.value);
    }
    const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
    if (text) headers["Content-Type"] = "application/json";
    const search = query.size ? `?${query}` : "";
    output.replaceChildren("Waiting…");
    const started = performance.now();
    try {
      const answer = await fetch(root() + url + search, { method: method.toUpperCase(), headers, body: text ? text.value : undefined });
      const type = answer.headers.get("content-type") || "";
      let said = type.includes("json") || type.startsWith("text/") ? await answer.text() : `(${type || "no content"})`;
      if (type.includes("application/json")) said = JSON.stringify(JSON.parse(said), null, 2);
      if (said.length > 100000) said = `${said.slice(0, 100000)}\n… (${said.length} characters)`;
      const took = Math.round(performance.now() - started);
      output.replaceChildren(element("p", {}, element("b", {}, String(answer.status)), ` in ${took} ms`), element("pre", {}, said));
    } catch (error) {
      output.replaceChildren(element("p", { class: "need" }, String(error)));
    }
  }
  const label = `Send ${method.toUpperCase()}`;
  return element("form", { class: "try", onsubmit: send }, rows.length ? element("table", {}, rows) : null, text, element("p", {}, element("button", {}, label)), output);
}

function detail(route) {
  const { operation } = route;
  const events = operation["x-events"] || [];
  const described = (operation.description || "").split(/\n\n/).filter((part) => !part.startsWith("**Access:**") && !part.startsWith("**Events:**"));
  const parts = [element("div", { class: "facts" }, element("span", {}, `Who: ${operation["x-access"]}`), events.map((name) => element("span", {}, `emits ${name}`)))];
  if (described.join("")) parts.push(...prose(described.join("\n\n")));
  const parameters = (operation.parameters || []).map(resolve);
  if (parameters.length) {
    parts.push(element("h3", {}, "Parameters"), element("table", {}, parameters.map((each) => element("tr", {},
      element("td", {}, element("code", {}, each.name), each.required ? element("span", { class: "need" }, " needed") : null),
      element("td", {}, `${each.in}, ${kind(each.schema || {})}`),
      element("td", { class: "dim" }, each.description || (each.schema || {}).description || "")))));
  }
  const wanted = body(operation);
  if (wanted) parts.push(element("h3", {}, `Body (${wanted.type})`), fields(wanted.schema) || element("p", {}, kind(wanted.schema)));
  parts.push(element("h3", {}, "Answers"), element("table", {}, answers(operation)));
  const done = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const schema = done && done[1].content && Object.values(done[1].content)[0].schema;
  const keys = schema && fields((schema.anyOf || [schema])[0]);
  if (keys) parts.push(element("details", {}, element("summary", {}, "Keys of the answer"), keys));
  parts.push(element("h3", {}, "Try it"), tryIt(route));
  return parts;
}

function coloured(path) {
  return path.split(/(\{[^}]+\})/).map((part) => part.startsWith("{") ? element("i", {}, part) : part);
}

function card(route, open) {
  const place = element("div");
  const made = element("details", { class: "route", id: route.operation.operationId },
    element("summary", {},
      element("span", { class: `method ${route.method}` }, route.method.toUpperCase()),
      element("span", { class: "path" }, coloured(route.path)),
      element("span", { class: "summary" }, route.operation.summary || "")),
    place);
  made.addEventListener("toggle", () => {
    if (made.open && !place.hasChildNodes()) place.append(...detail(route));
    if (made.open) history.replaceState(null, "", `#${encodeURIComponent(route.operation.operationId)}`);
  });
  made.open = open;
  return made;
}

function show(title, chosen, introduction, opened) {
  const content = document.getElementById("content");
  content.replaceChildren(element("h1", {}, title), ...introduction, ...chosen.slice(0, 300).map((route) => card(route, route.operation.operationId === opened)));
  if (chosen.length > 300) content.append(element("p", { class: "dim" }, `and ${chosen.length - 300} more: narrow the search.`));
  if (!chosen.length && !introduction.length) content.append(element("p", {}, "No route has these words."));
  for (const link of document.querySelectorAll("#groups a")) {
    if (link.dataset.group === title) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function navigate() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const route = routes.find((each) => each.operation.operationId === wanted);
  const group = route ? route.group : wanted;
  const members = routes.filter((each) => each.group === group);
  if (members.length) show(group, members, [], wanted);
  else show("Pegbar API", [], [...prose(api.info.description), element("p", { class: "dim" }, `${routes.length} routes, version ${api.info.version}. Choose a group, or search.`)]);
}

function search(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return navigate();
  const found = routes.filter((each) => wanted.every((word) => each.text.includes(word)));
  show(`“${words}”`, found, []);
}

function root() {
  return new URL(".", location.href).pathname.replace(/\/$/, "");
}

function greet() {
  const email = sessionStorage.getItem("pegbar.email");
  document.getElementById("who").textContent = token() ? `Signed in as ${email}.` : "Not signed in: only public routes answer.";
}

async function signIn(event) {
  event.preventDefault();
  const email = document.getElementById("email").value;
  const password = document.getElementById("password").value;
  const answer = await fetch(`${root()}/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ email, password }) });
  const said = await answer.json();
  if (answer.ok && said.access_token) {
    sessionStorage.setItem("pegbar.token", said.access_token);
    sessionStorage.setItem("pegbar.email", email);
    document.getElementById("password").value = "";
    greet();
  } else {
    document.getElementById("who").textContent = said.message || "That did not work.";
  }
}

async function start() {
  api = await (await fetch("openapi.json")).json();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => methods[each])) {
      const operation = methods[method];
      const text = [method, path, operation.summary, operation["x-access"], ...(operation["x-events"] || [])].join(" ").toLowerCase();
      routes.push({ method, path, operation, group: operation.tags[0], text });
    }
  }
  const groups = new Map();
  for (const route of routes) groups.set(route.group, (groups.get(route.group) || 0) + 1);
  document.getElementById("groups").replaceChildren(...[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) =>
    element("a", { href: `#${encodeURIComponent(name)}`, "data-group": name }, name, element("span", {}, String(count)))));
  const box = document.getElementById("search");
  box.addEventListener("input", () => search(box.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); box.focus(); }
  });
  addEventListener("hashchange", () => { box.value = ""; navigate(); });
  document.getElementById("session").addEventListener("submit", signIn);
  greet();
  navigate();
}

start().catch((error) => { document.getElementById("content").textContent = `The documentation could not be loaded: ${error}`; });
