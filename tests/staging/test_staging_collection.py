"""Collections: a release gathers its repos in one."""

from __future__ import annotations

import pytest
from huggingface_hub.errors import HfHubHTTPError


def test_repos_are_put_into_one_collection_once(alice, repo):
    """A second run finds the collection and its items there."""
    alice.create_repo(repo, repo_type="dataset")
    made = alice.create_collection(title=f"Release of {repo}", description="all of it", namespace="acme")
    for _ in range(2):
        alice.add_collection_item(made.slug, repo, "model", exists_ok=True, note="the model")
        alice.add_collection_item(made.slug, repo, "dataset", exists_ok=True)
    again = alice.create_collection(title=f"Release of {repo}", namespace="acme", exists_ok=True)

    assert made.slug == again.slug
    assert [(repo, "model", "the model"), (repo, "dataset", None)] == [
        (item.item_id, item.item_type, item.note) for item in again.items
    ]
    assert made.slug in [each.slug for each in alice.list_collections(owner="acme")]


def test_an_item_that_is_in_it_is_a_conflict(alice, repo):
    """Unless it may be."""
    made = alice.create_collection(title=f"Release of {repo}")
    alice.add_collection_item(made.slug, repo, "model")

    with pytest.raises(HfHubHTTPError) as caught:
        alice.add_collection_item(made.slug, repo, "model")

    assert 409 == caught.value.response.status_code


def test_a_collection_does_not_tell_of_private_repos(alice, bob, repo):
    """Rehearsals put private repos into public collections."""
    alice.update_repo_settings(repo, private=True)
    made = alice.create_collection(title=f"Release of {repo}")
    alice.add_collection_item(made.slug, repo, "model")

    assert [] == bob.get_collection(made.slug).items
    assert [repo] == [item.item_id for item in alice.get_collection(made.slug).items]


def test_a_collection_is_changed_and_deleted_by_its_owner_only(alice, bob, repo):
    """Items and notes too."""
    made = alice.create_collection(title=f"Release of {repo}")
    item = alice.add_collection_item(made.slug, repo, "model").items[0]
    for call in (
        lambda: bob.delete_collection(made.slug),
        lambda: bob.add_collection_item(made.slug, repo, "model"),
        lambda: bob.create_collection(title="x", namespace="acme"),
    ):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert 403 == caught.value.response.status_code
    alice.update_collection_item(made.slug, item.item_object_id, note="noted")
    updated = alice.update_collection_metadata(made.slug, title="Another title", private=True)
    noted = alice.get_collection(made.slug).items[0].note
    alice.delete_collection_item(made.slug, item.item_object_id)

    assert ("Another title", True, "noted") == (updated.title, updated.private, noted)
    assert [] == alice.get_collection(made.slug).items
    with pytest.raises(HfHubHTTPError):
        bob.get_collection(made.slug)
    alice.delete_collection(made.slug)


def test_a_new_title_makes_a_new_slug_and_the_old_one_still_leads_there(alice):
    """Its last 24 digits are what counts, as on the real Hub."""
    made = alice.create_collection("First title", namespace="acme")
    renamed = alice.update_collection_metadata(made.slug, title="Second title", theme="pink")

    assert made.slug.startswith("acme/first-title-")
    assert renamed.slug.startswith("acme/second-title-")
    assert made.slug[-24:] == renamed.slug[-24:]
    assert renamed.slug == alice.get_collection(made.slug).slug


def test_a_collection_may_hold_another(alice, bob, repo):
    """Whom the inner one is hidden from does not see it."""
    inner = alice.create_collection("Inner", private=True)
    outer = alice.create_collection("Outer of collections")
    alice.add_collection_item(outer.slug, repo, "model")
    alice.add_collection_item(outer.slug, inner.slug, "collection")
    alice.update_collection_metadata(inner.slug, title="Inner renamed")

    shown = [(each.item_type, each.item_id) for each in alice.get_collection(outer.slug).items]
    hidden = [each.item_type for each in bob.get_collection(outer.slug).items]

    assert ("model", repo) == shown[0]
    assert ("collection", True) == (shown[1][0], shown[1][1].startswith("alice/inner-renamed-"))
    assert ["model"] == hidden


def test_an_item_moves_to_the_place_that_it_is_given(alice, repo):
    """The others make room."""
    names = [repo, f"{repo}-b", f"{repo}-c"]
    made = alice.create_collection("In order")
    for name in names:
        alice.create_repo(name, exist_ok=True)
        alice.add_collection_item(made.slug, name, "model")
    first, _, last = alice.get_collection(made.slug).items
    alice.update_collection_item(made.slug, last.item_object_id, position=0)
    alice.update_collection_item(made.slug, first.item_object_id, position=2)

    assert [names[2], names[1], names[0]] == [each.item_id for each in alice.get_collection(made.slug).items]


def test_collections_are_listed_newest_first_and_page_by_page(alice):
    """`hf collections list --sort lastModified`."""
    for number in range(103):
        alice.create_collection(f"Number {number}", namespace="acme")
    listed = [each.title for each in alice.list_collections(owner="acme", sort="lastModified", limit=102)]

    assert 102 == len(set(listed))
    assert {"Number 102", "Number 50"} <= set(listed[:100])
