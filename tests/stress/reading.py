def check(traveller):
    from roads import Unread

    raise Unread("no reader yet")
