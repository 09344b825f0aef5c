// Shows openapi.json: text nodes only, so that nothing in it can become markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function typeOf(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.allOf) return schema.allOf.map(typeOf).join(" and ");
  if (schema.properties) return `{ ${names(schema).join(", ")} }`;
  const either = alternatives(schema);
  if (either) return either.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  const types = [schema.type ?? "object"].flat();
  return schema.format ? `${types.join(" or ")} (${schema.format})` : types.join(" or ");
}

function alternatives(schema) {
  return schema.oneOf ?? schema.anyOf;
}

// The names of an object's members. Those that may be left out end with a question mark.
function names(schema) {
  const required = new Set(schema.required ?? []);
  return Object.keys(schema.properties).map((name) => (required.has(name) ? name : `${name}?`));
}

function members(schema) {
  const either = alternatives(schema);
  if (either) return element("ul", {}, ...either.map((one) => element("li", {}, typeOf(one))));
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    element("tr", {},
      element("td", {}, element("code", {}, required.has(name) ? name : `${name}?`)),
      element("td", {}, typeOf(property)),
      element("td", {}, property.description ?? "")));
  return element("table", {}, element("tbody", {}, ...rows));
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((one) =>
    element("tr", {},
      element("td", {}, element("code", {}, one.required ? one.name : `${one.name}?`)),
      element("td", {}, `${one.in}, ${typeOf(one.schema)}`),
      element("td", {}, one.description ?? "")));
  return rows.length ? [element("table", {}, element("tbody", {}, ...rows))] : [];
}

function body(operation) {
  const content = operation.requestBody?.content?.["application/json"];
  return content ? [element("p", {}, `Body: ${typeOf(content.schema)}`)] : [];
}

function answers(operation) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => {
    const content = Object.values(answer.content ?? {})[0];
    const type = content ? typeOf(content.schema) : "";
    return element("tr", {},
      element("td", {}, element("code", {}, status)),
      element("td", {}, type),
      element("td", {}, answer.description));
  });
  return element("table", {}, element("tbody", {}, ...rows));
}

function call(method, path, operation) {
  const isOpen = (operation.security ?? []).some((one) => Object.keys(one).length === 0);
  const summary = element("summary", {},
    element("span", { class: "method" }, method.toUpperCase()),
    element("code", {}, path));
  if (isOpen) summary.append(element("span", { class: "open" }, "open"));
  return element("details", { id: operation.operationId }, summary,
    element("p", {}, operation.summary ?? operation.description ?? ""),
    ...parameters(operation), ...body(operation), answers(operation));
}

function show(api) {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), call(method, path, item[method])]);
    }
  }
  for (const [tag, calls] of groups) {
    document.getElementById("tags").append(element("a", { href: `#calls-${tag}` }, tag));
    document.getElementById("calls").append(element("h2", { id: `calls-${tag}` }, tag), ...calls);
  }
  const schemas = document.getElementById("schemas");
  schemas.append(element("h2", {}, "Shapes"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    schemas.append(element("details", { id: `shape-${name}` },
      element("summary", {}, element("code", {}, name)), members(schema)));
  }
}

const answer = await fetch("openapi.json");
show(await answer.json());
