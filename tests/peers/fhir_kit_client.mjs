// A system of another house that speaks FHIR as fhir-kit-client does. Takes {baseUrl, bearer, patient, stranger, weight}
// as JSON, and prints what it was answered.
import { Client } from "fhir-kit-client";

const { baseUrl, bearer, patient, stranger, weight } = JSON.parse(process.argv[2]);
const client = new Client({ baseUrl, bearerToken: bearer });
const resourceType = "Observation";
const told = {};

const statusOf = (request) =>
  request.then(
    () => 200,
    (error) => [error.response.status, error.response.data.issue[0].code],
  );
const numbered = (number) => ({ ...weight, identifier: [{ system: "urn:oid:1.2.3.4", value: `K-${number}` }] });

const statement = await client.capabilityStatement();
told.statement = [statement.fhirVersion, statement.implementation.url];

const made = await client.create({ resourceType, body: weight });
const { id } = made;
told.created = [made.meta.versionId, Client.httpFor(made).response.status];
told.read = (await client.read({ resourceType, id })).meta.versionId;
const match = { headers: { "If-Match": 'W/"1"' } };
const body = { ...made, status: "amended" };
told.updated = (await client.update({ resourceType, id, body, options: match })).meta.versionId;
told.stale = await statusOf(client.update({ resourceType, id, body, options: match }));
told.vread = (await client.vread({ resourceType, id, version: "1" })).status;
told.history = (await client.history({ resourceType, id })).entry.map((one) => one.resource.meta.versionId);
const same = { headers: { "If-None-Exist": "identifier=urn:oid:1.2.3.4|W-1" } };
told.again = (await client.create({ resourceType, body: weight, options: same })).id === id;
const searchParams = { identifier: "urn:oid:1.2.3.4|W-1" };
told.conditional = (await client.update({ resourceType, searchParams, body: weight })).meta.versionId;

const entry = [1, 2, 3, 4].map((number) => ({
  resource: numbered(number),
  request: { method: "POST", url: resourceType },
}));
const done = await client.transaction({ body: { resourceType: "Bundle", type: "transaction", entry } });
told.transaction = done.entry.map((one) => one.response.status.slice(0, 3));
const batch = [{ request: { method: "GET", url: `Observation/${id}` } }, { request: { method: "GET", url: "Basic/1" } }];
const each = await client.batch({ body: { resourceType: "Bundle", type: "batch", entry: batch } });
told.batch = each.entry.map((one) => one.response.status.slice(0, 3));

const pages = [];
for (const postSearch of [false, true]) {
  let page = await client.search({ resourceType, searchParams: { patient, _count: 2 }, options: { postSearch } });
  const total = page.total;
  const found = [];
  while (page) {
    found.push(...page.entry.map((one) => one.resource.id));
    page = await client.nextPage({ bundle: page });
  }
  pages.push([total, found.length, new Set(found).size]);
}
told.pages = pages;

let file = await client.operation({ name: "everything", resourceType: "Patient", id: patient, method: "GET" });
told.everything = file.entry.map((one) => one.resource.resourceType);
const subject = await client.resolve({ reference: made.subject.reference });
told.resolved = subject.id === patient;

told.foreign = await statusOf(client.read({ resourceType: "Patient", id: stranger }));
told.refused = await statusOf(client.create({ resourceType, body: { ...weight, status: "perhaps" } }));
told.removed = await statusOf(client.delete({ resourceType, id }));
told.nobody = await statusOf(new Client({ baseUrl }).read({ resourceType, id }));
console.log(JSON.stringify(told));
