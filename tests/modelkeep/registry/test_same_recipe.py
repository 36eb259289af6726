"""A recipe id follows from the recipe beside it, or it was made up."""

import pytest

from modelkeep.registry.same_recipe import check_recipe_id
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.recipe import recipe_id

VERSION = Version("made-up", "1" * 40)
RECIPE = {"parameters": {"seed": 7}, "code": {"train.py": "ab"}}


def test_the_id_of_a_recipe_is_believed_where_it_is_its_hash():
    """Whoever fetches a version can tell, without running anything."""
    check_recipe_id(VERSION, {"recipe": RECIPE, "recipe_id": recipe_id(RECIPE)})


@pytest.mark.parametrize("recipe", [RECIPE, {}, {"seed": float("nan")}])
def test_an_id_that_was_made_up_is_refused(recipe):
    """Also where the recipe could have no id at all."""
    with pytest.raises(UserError, match=r"its recipe id is abab\S*, and that is not the id"):
        check_recipe_id(VERSION, {"recipe": recipe, "recipe_id": "abab" + "a" * 60})
