"""The scene in words: short, and with what the answer needs."""

from publisher.data.aerial.prompts import prompt


def test_a_prompt_tells_the_target_with_what_sets_it_apart_and_its_surroundings_by_category(scene, thing):
    """A model that never sees the image must be able to find the answer in here."""
    seen = scene(
        thing(1, "ship", 100, 100, side=40),
        thing(2, "harbor", 200, 100, "light"),
        thing(3, "ship", 100, 300, "dark"),
        thing(4, "ship", 240, 430, None),
    )

    expected = (
        "Target: red ship, top left, topmost, largest, left of harbor\n"
        "Others: ship dark center left, bottom center; harbor light top center\n"
        "Describe only the target."
    )
    assert expected == prompt(seen, seen.objects[0])


def test_a_prompt_for_a_group_counts_it_and_leaves_its_members_out_of_the_rest(scene, thing):
    """Members listed again would look like further ones."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 120, 60), thing(3, "ship", 400, 400))
    cluster, everyone = seen.groups

    expected = "Target: group, 2 ships, top left\nOthers: ship red bottom right\nDescribe only the target."
    assert expected == prompt(seen, cluster)
    assert "Target: all 3 ships\nOthers: nothing\nDescribe only the target." == prompt(seen, everyone)


def test_a_crowded_scene_does_not_make_the_prompt_longer(scene, thing):
    """Training refuses rows over its limit of tokens: a prompt needs a bound."""
    crowd = [thing(n, "ship", 20 + 40 * (n % 11), 40 + 40 * (n // 11)) for n in range(1, 60)]
    seen = scene(*crowd)

    assert max(len(prompt(seen, one).split()) for one in seen.objects) < 50
