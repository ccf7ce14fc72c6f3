"""The simulator's answers against Runpod's own documents, where those are at hand."""

from __future__ import annotations

from sim_documents import V1, V2, document, fits, only_with_documents
from sim_helpers import L4, create

pytestmark = only_with_documents


def check_v2(schema: str, value: object) -> None:
    fits(V2, schema, value)


async def test_v2_pods_fit_the_document_in_every_state(http, sim, clock):
    gpu = await create(http, mounts={"persistent": {"size": 10, "path": "/workspace"}}, cmd=["sleep", "1"])
    check_v2("Pod", gpu)
    check_v2("Pod", await create(http, gpu=None, cpu={"id": "cpu3c", "vcpuCount": 2}))
    sim.faults.add("create", "no_machine")
    check_v2("Pod", await create(http))
    clock.step(minutes=5)
    check_v2("ListPodsResponse", (await http.get("/v2/pods")).json())
    stopped = await http.post(f"/v2/pods/{gpu['id']}/action", json={"action": "stop"})
    check_v2("Pod", stopped.json())
    net = await create(http, globalNetworking=True)
    assert net["globalNetworking"]["enabled"]
    check_v2("Pod", net)


async def test_the_v2_catalog_fits_the_document(http):
    query = "include=AVAILABILITY&product=POD"
    for path, schema in (("gpus", "ListGpuTypesResponse"), ("cpus", "ListCpuTypesResponse")):
        check_v2(schema, (await http.get(f"/v2/catalog/{path}")).json())
        check_v2(schema, (await http.get(f"/v2/catalog/{path}?{query}")).json())
    centers = await http.get("/v2/catalog/datacenters?include=GPU_AVAILABILITY,CPU_AVAILABILITY")
    check_v2("ListDataCentersResponse", centers.json())


async def test_v2_problems_templates_and_volumes_fit_the_document(http):
    check_v2("ErrorResponse", (await http.post("/v2/pods", json={"x": 1})).json())
    check_v2("ErrorResponse", (await http.get("/v2/pods/none")).json())
    check_v2("ListTemplatesResponse", (await http.get("/v2/templates")).json())
    made = await http.post("/v2/network-volumes", json={"name": "d", "size": 10, "dataCenter": "EU-RO-1"})
    check_v2("NetworkVolume", made.json())


async def test_v1_pods_fit_the_document(http, clock):
    made = await http.post("/v1/pods", json={"imageName": "a", "gpuTypeIds": [L4]})
    clock.step(minutes=5)
    query = "includeMachine=true&includeTemplate=true&includeNetworkVolume=true"
    seen = (await http.get(f"/v1/pods/{made.json()['id']}?{query}")).json()
    fits(V1, "Pod", seen)
    assert isinstance(seen["costPerHr"], float)


async def test_the_price_list_holds_exactly_the_ids_of_the_v1_document(http, sim):
    fields = document(V1)["components"]["schemas"]["PodCreateInput"]["properties"]
    sold = sim.world.price_list
    gpus = {gpu.id for gpu in sold.gpus.values() if gpu.in_v1}
    centers = {center.id for center in sold.data_centers.values() if center.in_v1}
    assert gpus == set(fields["gpuTypeIds"]["items"]["enum"])
    assert centers == set(fields["dataCenterIds"]["items"]["enum"])
    assert set(sold.cpus) == set(fields["cpuFlavorIds"]["items"]["enum"])
