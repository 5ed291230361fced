import torch

from datahall.models.train.batches import Batches


def batches(**fields):
    x = torch.arange(10).float()[:, None, None].expand(10, 2, 3)
    return Batches(x, torch.arange(10), **{"batch_size": 4, "seed": 0} | fields)


def dealt(deck, epoch):
    deck.deal(epoch)
    return [y_B.tolist() for _, y_B in (deck[index] for index in range(len(deck)))]


def test_every_row_is_dealt_once_an_epoch_with_its_class():
    """Given ten rows in batches of four, an epoch is 4 + 4 + 2 rows, each once, features and class together."""
    deck = batches()
    deck.deal(0)
    seen = []
    for index in range(len(deck)):
        x, y_B = deck[index]
        assert x.shape == (len(y_B), 2, 3)
        assert torch.equal(x[:, 0, 0], y_B.float())
        seen.append(y_B.tolist())
    assert [len(part) for part in seen] == [4, 4, 2]
    assert sorted(row for rows in seen for row in rows) == list(range(10))


def test_the_order_depends_on_seed_and_epoch_alone():
    """Given the same seed, an epoch's order is the same whenever it is dealt; other epochs and seeds differ."""
    first = dealt(batches(), 3)
    torch.manual_seed(99)
    assert dealt(batches(), 3) == first
    assert dealt(batches(), 4) != first
    assert dealt(batches(seed=1), 3) != first


def test_a_rest_too_small_for_batch_norm_is_left_out():
    """Given nine rows a batch and ten rows, the tenth alone is left out when two are needed."""
    assert len(batches(batch_size=9)) == 2
    assert len(batches(batch_size=9, smallest=2)) == 1
    assert [len(part) for part in dealt(batches(batch_size=9, smallest=2), 0)] == [9]


def test_a_batch_larger_than_the_data_is_the_data():
    """Given a batch size of 100 for ten rows, there is one batch of ten."""
    assert [len(part) for part in dealt(batches(batch_size=100), 0)] == [10]


def test_rows_are_redrawn_once_an_epoch():
    """Given an augmentation, each epoch asks for its rows once, and the batches hold them."""
    asked = []

    def redraw(epoch):
        asked.append(epoch)
        return torch.full((10, 2, 3), float(epoch))

    deck = batches(redraw=redraw)
    deck.deal(2)
    deck.deal(2)
    assert deck[0][0].unique().tolist() == [2.0]
    deck.deal(3)
    assert deck[0][0].unique().tolist() == [3.0]
    assert asked == [2, 3]
